import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { EmbeddingChange, RecordChange, Store } from '../../../../src/sinks/stores/port.ts';
import { describeWithService, elasticsearchUrl } from '../../../services/index.ts';
import { embedding, noEmbedding, noRecord, openRecords, openStore, PLACE, record } from './open-store.ts';
import { type Document, newAlias, PlainClient } from './server.ts';

const MODELS = ['model-a', 'model-b'] as const;
const IDS = 500;

/** What happens to one id: in each topic in its order, and in which order the sinks come to read it. */
interface History {
  /** True: a record; false: its deletion. */
  readonly records: readonly boolean[];
  /** Of each model. */
  readonly embeddings: readonly (readonly boolean[])[];
  /** 0: the next of the records, 1 and 2: of a model; where nothing is left, it is read again from `back` before. */
  readonly order: readonly { readonly topic: number; readonly back: number }[];
}

const history: fc.Arbitrary<History> = fc.record({
  records: fc.array(fc.boolean(), { maxLength: 4 }),
  embeddings: fc.tuple(fc.array(fc.boolean(), { maxLength: 3 }), fc.array(fc.boolean(), { maxLength: 3 })),
  order: fc.array(fc.record({ topic: fc.nat(2), back: fc.nat(2) }), { maxLength: 14 }),
});

/** In rounds, what each topic's reader is handed; all of it in the end, some of it twice. */
function* roundsOf({ records, embeddings, order }: History): Generator<{ topic: number; at: number }> {
  const lengths = [records.length, ...embeddings.map(({ length }) => length)];
  const next = [0, 0, 0];
  for (const { topic, back } of order) {
    const at = next[topic] ?? 0;
    if (at < (lengths[topic] ?? 0)) next[topic] = at + 1;
    else next[topic] = Math.max(0, at - back);
    if (at < (lengths[topic] ?? 0)) yield { topic, at };
  }
  for (const [topic, length] of lengths.entries())
    for (let at = next[topic] ?? 0; at < length; at++) yield { topic, at };
}

/** The document that all of it comes to, whatever the order; undefined where nobody is to see one. */
function outcomeOf(id: string, { records, embeddings }: History): Document | undefined {
  const vectors = MODELS.filter((_, m) => embeddings[m]?.at(-1) === true);
  const last = records.at(-1);
  if (last === false || (last === undefined && vectors.length === 0)) return undefined;
  const createdAt = (m: number): number => 1_800_000_000_000 + (embeddings[m]?.length ?? 0) - 1;
  const embedded = Object.fromEntries(vectors.map((model) => [model, { createdAt: createdAt(MODELS.indexOf(model)) }]));
  const own = last === true ? { text: `${id} record ${records.length - 1}`, source: 'catalogue' } : {};
  return { ...own, ...(vectors.length > 0 && { embedded }) };
}

describeWithService('elasticsearch', 'changes of records and embeddings in any order', () => {
  let server: PlainClient;
  beforeAll(async () => {
    server = new PlainClient(await elasticsearchUrl());
  });

  it('come to the same documents', async () => {
    const alias = newAlias();
    const histories = fc.sample(history, IDS);
    const stores: Store[] = [];
    for (const model of MODELS) {
      const { store } = await openStore(server.url, alias, { model, esBulkDocuments: 60 });
      await store.prepare('keep');
      stores.push(store);
    }
    const [first, ...others] = stores;
    if (first === undefined) throw new Error('There is no store');
    const readers = await Promise.all([openRecords(first), ...[first, ...others].map((s) => s.openEmbeddings(PLACE))]);
    const all = histories.map((each) => [...roundsOf(each)]);
    const rounds = Math.max(...all.map(({ length }) => length));
    for (let round = 0; round < rounds; round++) {
      const handed: (RecordChange & EmbeddingChange)[][] = [[], [], []];
      for (const [i, steps] of all.entries()) {
        const step = steps[round];
        const its = histories[i];
        if (step !== undefined && its !== undefined) handed[step.topic]?.push(changeOf(`id ${i}`, its, step));
      }
      // All topics at once, as the sinks do.
      await Promise.all(
        handed.map(async (changes, topic) => {
          await readers[topic]?.write(changes);
          await readers[topic]?.flush();
          expect(readers[topic]?.progress().faults).toEqual([]);
        }),
      );
    }
    for (const store of stores) await store.complete();
    const found = await server.documents(alias);
    for (const [i, its] of histories.entries()) {
      const wanted = outcomeOf(`id ${i}`, its);
      const document = found.get(`id ${i}`);
      const shown = JSON.stringify(its);
      if (wanted === undefined) expect(document, shown).toBeUndefined();
      else expect(document, shown).toMatchObject(wanted);
      const models = (part: unknown): string[] => Object.keys(part ?? {}).sort();
      expect(models(document?.embeddings), shown).toEqual(models(wanted?.embedded));
      if (wanted !== undefined) expect(document, shown).toEqual(expect.objectContaining({ metadata: {} }));
    }
    await Promise.all(readers.map((reader) => reader.close()));
    for (const store of stores) await store.close();
    await server.removeAll(alias);
  }, 240_000);
});

function changeOf(
  id: string,
  { records, embeddings }: History,
  step: { topic: number; at: number },
): RecordChange & EmbeddingChange {
  const { topic, at } = step;
  const isThere = topic === 0 ? records[at] : embeddings[topic - 1]?.[at];
  // Each topic's reader looks at what is its own.
  if (topic === 0)
    return {
      ...noEmbedding(at, id),
      ...(isThere === true ? record(at, id, { text: `${id} record ${at}` }) : noRecord(at, id)),
    };
  const model = MODELS[topic - 1] ?? '';
  return { ...noRecord(at, id), ...(isThere === true ? embedding(at, id, { model }) : noEmbedding(at, id)) };
}
