import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityIndex } from '../../src/ledger/identity-index.ts';
import { compactedTopic } from '../../src/log/topics.ts';
import { readModelColumns } from '../../src/operations/reconcile/model-columns.ts';
import { reconcileModel, type ModelToReconcile } from '../../src/operations/reconcile/reconcile-model.ts';
import { readRecordColumns } from '../../src/operations/reconcile/record-columns.ts';
import { sha256 } from '../../src/record/identity.ts';
import type { ContentHash, ModelFingerprint, RecordId } from '../../src/record/types.ts';
import { codec, createMemoryLog, topics } from '../pipeline-fixtures.ts';

describe('reconcileModel, of any history', () => {
  const TOPICS = { records: topics.records, ledger: topics.ledger('m'), embeddings: topics.embeddings('m') };
  const FINGERPRINTS = ['a', 'b'].map((name) => sha256(name).toString('hex') as ModelFingerprint);
  const step = fc.record({
    topic: fc.constantFrom('records', 'ledger', 'embeddings'),
    id: fc.constantFrom('1', '2', '3', '4', '5'),
    /** -1: a deletion. In a record 0 stands for no text. */
    content: fc.integer({ min: -1, max: 2 }),
    fingerprint: fc.nat({ max: 1 }),
    outcome: fc.constantFrom('embedded', 'dead-lettered'),
  });
  type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

  function valueOf({ topic, id, content, fingerprint: number, outcome }: Step): Uint8Array | null {
    if (content < 0) return null;
    const contentHash = sha256(String(content)).toString('hex') as ContentHash;
    const fingerprint = FINGERPRINTS[number]!;
    const metadata = new Map<string, string>();
    if (topic === 'ledger') return codec.encodeLedgerEntry({ contentHash, fingerprint, outcome, offset: 0 });
    const parts = { metadata, createdAt: 0 };
    const recordId = id as RecordId;
    const text = content === 0 ? {} : { text: String(content), textHash: contentHash };
    if (topic === 'records') return codec.encodeSourceRecord({ id: recordId, source: 's', ...text, ...parts });
    const model = { model: 'm', fingerprint, dimension: 1, vector: new Float32Array(1), tokenCount: 1 };
    return codec.encodeEmbedding({ recordId, ...model, truncated: false, contentHash, ...parts });
  }

  /** The definition, over Maps. */
  function expected(steps: readonly Step[]): string[] {
    const latest = { records: new Map<string, Step>(), ledger: new Map<string, Step>(), embeddings: new Map() };
    for (const each of steps)
      if (each.content < 0) latest[each.topic].delete(each.id);
      else latest[each.topic].set(each.id, each);
    const found: string[] = [];
    for (const id of new Set(steps.map((each) => each.id))) {
      const record = latest.records.get(id);
      const entry = latest.ledger.get(id);
      const embedding = latest.embeddings.get(id) as Step | undefined;
      const isPresent = (each?: Step) => each?.content === record?.content && each?.fingerprint === 0;
      if (record === undefined || record.content === 0) {
        if (entry) found.push(`ledger-orphan ${id}`);
        if (embedding) found.push(`embedding-orphan ${id}`);
        continue;
      }
      if (!isPresent(entry)) found.push(`not-processed ${id}`);
      else if (entry?.outcome === 'embedded' && !isPresent(embedding)) found.push(`embedding-missing ${id}`);
      const isAwaited = isPresent(embedding) || !isPresent(entry);
      if (embedding && !(entry && isAwaited)) found.push(`embedding-orphan ${id}`);
    }
    return found.sort();
  }

  it('finds what the definition says, over two partitions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const history = createMemoryLog();
        await history.ensureTopics(Object.values(TOPICS).map((name) => compactedTopic(name, 2)));
        const producer = await history.producer('by-hand');
        for (const each of steps)
          await producer.append([{ topic: TOPICS[each.topic], key: Buffer.from(each.id), value: valueOf(each) }]);
        const context = { log: history, codec, topics, ids: new IdentityIndex() };
        const of: ModelToReconcile = { name: 'm', kinds: ['text'], fingerprint: FINGERPRINTS[0]! };
        const records = await readRecordColumns(context, [of.kinds]);
        const { differences } = await reconcileModel(context, of, records, await readModelColumns(context, 'm'));
        expect(differences.kept.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(expected(steps));
        await history.close();
      }),
    );
  });
});
