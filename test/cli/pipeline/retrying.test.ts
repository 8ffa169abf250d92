import { expect, it } from 'vitest';
import { createCodec } from '../../../src/codec/create-codec.ts';
import { poisonError } from '../../../src/errors.ts';
import { topicNames } from '../../../src/log/topics.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../../src/processors/embedding-task.ts';
import { documentRow, HASHED, newPlace, numbers, type Place } from './runner.ts';

interface Letter {
  readonly letter: string;
  readonly id: string;
  readonly stage: string;
  readonly reason: string;
  readonly state: string;
  readonly attempt: number;
}

const NAMESPACE = 'embedstream';

/** What `process` does, with a model that can't take texts with this word. */
async function processWithout(place: Place, word: string): Promise<void> {
  const topics = topicNames(NAMESPACE);
  const embedder = await createEmbedder({ model: 'hashed-384' });
  await place.withLog(async (log) => {
    const partitions = (await log.topics()).find(({ name }) => name === topics.records)!.partitions;
    await ensureProcessorTopics(log, topics, embedder.info.name, partitions);
    const faulty: typeof embedder = {
      ...{ info: embedder.info, windowSize: embedder.windowSize, close: () => embedder.close() },
      embed: async (inputs, options) => {
        const result = await embedder.embed(inputs, options);
        const faults = inputs.flatMap(({ text }, i) =>
          text?.includes(word) === true ? [[i, poisonError('MODEL_INPUT', `The text has "${word}".`)] as const] : [],
        );
        return { ...result, faults: new Map(faults) };
      },
    };
    const task = new EmbeddingTask({
      log,
      codec: createCodec(),
      embedder: faulty,
      topics,
      namespace: NAMESPACE,
      clock: Date.now,
    });
    await log.run(task, { until: 'end' });
  });
  await embedder.close();
}

async function list(place: Place, ...flags: string[]): Promise<readonly Letter[]> {
  return ((await place.done('dead-letters', 'list', ...flags)) as unknown as { letters: readonly Letter[] }).letters;
}

/** Twelve rows, two that never become records and three that the model can't take. */
async function withLetters(): Promise<Place> {
  const place = newPlace();
  place.writeRows('documents.csv', [
    ...numbers(0, 7).map((i) => documentRow(i)),
    ...numbers(7, 10).map((i) => documentRow(i, `A cursed text ${i}`)),
    documentRow(3, 'the id of another'),
    ['d11', 'too few'],
  ]);
  expect((await place.run('produce', '--source=documents.csv', '--partitions=2')).code).toBe(1);
  await processWithout(place, 'cursed');
  return place;
}

it('lists and shows letters, and retries them: the mended model embeds them, the counts add up, the sink has them', async () => {
  const place = await withLetters();
  expect((await list(place)).map(({ id, stage, state }) => `${id} ${stage} ${state}`).sort()).toEqual([
    'd7 process open',
    'd8 process open',
    'd9 process open',
    'documents:12 produce in-source',
    'documents:13 produce in-source',
  ]);
  expect(await list(place, '--reason=DUPLICATE_ID')).toMatchObject([{ id: 'documents:12' }]);
  expect(await list(place, '--stage=process', HASHED, '--limit=2')).toHaveLength(2);
  expect(await list(place, '--state=resolved')).toEqual([]);
  const text = await place.run('dead-letters');
  expect(text.stdout).toMatch(/letter +when +state +reason +id\n/);
  expect(text.stdout).toMatch(/open +MODEL_INPUT +d8\n +process hashed-384, embedstream\.records\/\d@\d+/);
  expect(text.stdout).toMatch(/in-source +DUPLICATE_ID +documents:12\n +produce documents:12/);
  expect(Math.max(...text.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);

  const [letter] = await list(place, '--stage=process');
  const shown = await place.done('dead-letters', 'show', letter!.letter);
  expect(shown).toMatchObject({
    id: letter!.id,
    message: 'The text has "cursed".',
    headers: { '__connect.errors.stage': 'process' },
    value: { form: 'record', record: { id: letter!.id, metadata: { year: expect.any(String) as string } } },
  });
  expect((await place.run('dead-letters', 'show', 'documents:13')).stdout).toMatch(
    /state +in-source[^]*it can't be retried: correct the source[^]*value, \d+ B\n {2}d11,too few/,
  );

  expect(await place.done('reconcile')).toMatchObject({
    models: [{ records: 10, embedded: 7, deadLettered: 3, retried: 0 }],
  });
  expect(await place.done('dead-letters', 'retry', 'd7')).toMatchObject({ published: 1, notFound: [] });
  expect(await place.done('dead-letters', 'retry', '--reason=MODEL_INPUT')).toMatchObject({
    published: 2,
    states: { retried: 1, open: 2 },
  });
  expect(await place.done('dead-letters', 'retry')).toMatchObject({ published: 0, states: { retried: 3 } });
  const queued = await place.run('reconcile');
  expect(queued.stdout).toMatch(/10 live records = 7 embedded \+ 3 waiting for a retry: complete/);
  expect(await place.done('process', HASHED)).toMatchObject({ processed: [{ read: 3, embedded: 3, deadLettered: 0 }] });
  expect(await place.done('reconcile')).toMatchObject({
    models: [{ records: 10, embedded: 10, deadLettered: 0, retried: 0 }],
  });
  expect(await list(place, '--state=resolved')).toHaveLength(3);
  await place.done('sink', 'parquet', HASHED);
  expect(await place.rows('data', 'parquet', 'hashed-384')).toHaveLength(10);
  expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
});

it('a record that fails its retry again is one dead letter, not two', async () => {
  const place = await withLetters();
  await place.done('dead-letters', 'retry', HASHED);
  await processWithout(place, 'cursed');
  expect(await place.done('reconcile')).toMatchObject({
    models: [{ records: 10, embedded: 7, deadLettered: 3, retried: 0 }],
  });
  expect(await list(place, '--state=open')).toMatchObject([{ attempt: 2 }, { attempt: 2 }, { attempt: 2 }]);
  expect(await list(place, '--state=superseded')).toHaveLength(3);
  // Two letters of the source, three first attempts and three second ones.
  expect(await place.done('status')).toMatchObject({ deadLetters: { total: 8, byStage: { produce: 2, process: 6 } } });
});

it('says what can not be done, with the exit code for it', async () => {
  const place = await withLetters();
  const some = await place.json('dead-letters', 'retry', 'd7', 'documents:12', 'nowhere');
  expect(some).toMatchObject({ code: 1, json: { published: 1, notFound: ['nowhere'] } });
  const source = await place.run('dead-letters', 'retry', 'documents:12');
  expect(source.code).toBe(1);
  expect(source.stdout).toMatch(
    /Nothing to publish[^]*stage produce can't be retried from the log: correct the source/,
  );
  expect((await place.json('dead-letters', 'show', 'nowhere')).code).toBe(1);
  for (const wrong of [
    'list d7',
    'show',
    'show d7 d8',
    'retry --state=open',
    'mend',
    'list --stage=embed',
    `list --model=nowhere`,
  ])
    expect([wrong, (await place.run('dead-letters', ...wrong.split(' '))).code]).toEqual([wrong, 2]);
  // A log with nothing on it.
  expect(await place.done('dead-letters', 'list', '--namespace=other')).toMatchObject({ letters: [], hasMore: false });
  expect(await place.done('dead-letters', 'retry', '--namespace=other')).toMatchObject({ published: 0 });
});

it('retries with a source what a model failed on, of that source alone', async () => {
  const place = await withLetters();
  place.writeRows('others.csv', [documentRow(20, 'A cursed text of another source')]);
  await place.run('produce', '--source=others.csv');
  await processWithout(place, 'cursed');
  const produce = ['produce', '--source=documents.csv', '--retry-failed'];
  const dryRun = await place.json(...produce, '--dry-run');
  expect(dryRun.json.produced[0]).not.toHaveProperty('retried');
  expect((await place.json(...produce)).json.produced[0]).toMatchObject({ retried: 3, published: 0, unchanged: 10 });
  // What waits for the processor is not published once more.
  expect((await place.json(...produce)).json.produced[0]).not.toHaveProperty('retried');
  expect((await list(place, '--state=retried')).map(({ id }) => id)).toHaveLength(3);
  expect((await list(place, '--state=open')).map(({ stage }) => stage)).toEqual(['process']);
  const { json } = await place.json('process', HASHED);
  expect(json.processed[0]).toMatchObject({ embedded: 3 });
});
