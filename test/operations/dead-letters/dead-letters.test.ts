import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { listLetters } from '../../../src/operations/dead-letters/list-letters.ts';
import type { LetterFilter } from '../../../src/operations/dead-letters/select-letters.ts';
import { retryLetters } from '../../../src/operations/dead-letters/retry-letters.ts';
import { showLetter } from '../../../src/operations/dead-letters/show-letter.ts';
import { ATTEMPT_HEADER } from '../../../src/record/dead-letter.ts';
import {
  allRecords,
  codec,
  createMemoryLog,
  fakeEmbedder,
  fault,
  latestValues,
  processAll,
  publishRows,
  topics,
} from '../../pipeline-fixtures.ts';
import { append, contextOf, embed, poison } from './fixture.ts';

async function list(log: Log, filter: LetterFilter = {}, limit = 100): Promise<string[]> {
  const { letters } = await listLetters(contextOf(log), filter, limit);
  return letters.map(({ letter, id, stage, reason, state }) => `${letter} ${id} ${stage} ${reason} ${state}`);
}

async function attempts(log: Log): Promise<(string | undefined)[]> {
  return (await allRecords(log, topics.records)).map(({ headers }) => {
    const header = headers[ATTEMPT_HEADER];
    return header && Buffer.from(header).toString();
  });
}

/** The model is mended: it can embed what it could not. */
function mended() {
  const embedder = fakeEmbedder();
  const embedTexts = embedder.embed.bind(embedder);
  return {
    ...embedder,
    embed: async (inputs: Parameters<typeof embedder.embed>[0]) => {
      const result = await embedTexts(inputs.map(({ text = '' }) => ({ text: text.replace('poison', 'cured') })));
      return result;
    },
  };
}

describe('dead-letters list', () => {
  it('shows letters of both stages, the newest first, with filters and a limit', async () => {
    const log = createMemoryLog();
    await embed(log, [fault(3, 'a,b'), { id: 'fine', text: 'fine' }, ...poison(2)]);
    expect(await list(log)).toEqual([
      '0@2 p1 process MODEL_INPUT open',
      '0@1 p0 process MODEL_INPUT open',
      '0@0 rows:3 produce CSV_RAGGED_ROW in-source',
    ]);
    expect(await list(log, { stages: ['produce'] })).toHaveLength(1);
    expect(await list(log, { reasons: ['MODEL_INPUT', 'OTHER'] })).toHaveLength(2);
    expect(await list(log, { models: ['other'] })).toEqual([]);
    expect(await list(log, { models: ['fake'], ids: ['0@1', 'p1'] })).toHaveLength(2);
    expect(await list(log, { states: ['in-source'] })).toHaveLength(1);
    expect(await listLetters(contextOf(log), {}, 2)).toMatchObject({
      hasMore: true,
      letters: [{ id: 'p1' }, { id: 'p0' }],
    });
    expect(await listLetters(contextOf(log), {}, 3)).toMatchObject({ hasMore: false });
  });

  it('goes through a long topic of several partitions in the order of time', async () => {
    let now = 1_000;
    const log = createMemoryLog({ clock: () => now++ });
    for (let i = 0; i < 25; i++) await embed(log, poison(100, i * 100), 'fake', 3);
    const { letters, hasMore } = await listLetters(contextOf(log), {}, 2_450);
    expect(hasMore).toBe(true);
    const times = letters.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(new Set(letters.map(({ id }) => id)).size).toBe(2_450);
    expect(new Set(letters.map(({ state }) => state))).toEqual(new Set(['open']));
  });

  it('a letter is resolved once its record is embedded, changed or deleted; superseded by a later one', async () => {
    const log = createMemoryLog();
    await embed(log, poison(4));
    await publishRows(log, [{ id: 'p1', text: 'poison, but another' }]);
    await append(log, [{ topic: topics.records, key: Buffer.from('p2'), value: null }]);
    // Not yet processed: the records topic tells already.
    const states = async (): Promise<string[]> =>
      (await list(log)).map((line) => line.replace(/^\S+ (\S+) .* /, '$1 '));
    expect(await states()).toEqual(['p3 open', 'p2 resolved', 'p1 resolved', 'p0 open']);
    await processAll(log, fakeEmbedder());
    await publishRows(log, [{ id: 'p0', text: 'fine now' }]);
    await processAll(log, fakeEmbedder());
    expect(await states()).toEqual(['p1 open', 'p3 open', 'p2 resolved', 'p1 superseded', 'p0 resolved']);
  });
});

describe('dead-letters show', () => {
  it('shows everything of a letter by its place, or of the newest one of an id', async () => {
    const log = createMemoryLog();
    await embed(log, [fault(3, 'a,"b'), { id: 'p0', text: 'poison 0', metadata: { year: '1500' } }]);
    await publishRows(log, [{ id: 'p0', text: 'poison again' }]);
    await processAll(log, fakeEmbedder());
    const shown = await showLetter(contextOf(log), 'p0');
    expect(shown).toMatchObject({
      letter: '0@2',
      reason: 'MODEL_INPUT',
      message: 'this text is poison',
      state: 'open',
      model: 'fake',
      origin: { topic: topics.records, partition: 0, offset: 1 },
      others: ['0@1'],
      value: { form: 'record', record: { id: 'p0', text: 'poison again' } },
    });
    expect(Object.values(shown.headers)).toContain('test.processor.fake');
    expect(await showLetter(contextOf(log), '0@1')).toMatchObject({
      value: { form: 'record', record: { metadata: new Map([['year', '1500']]) } },
      state: 'superseded',
    });
    expect(await showLetter(contextOf(log), 'rows:3')).toMatchObject({
      line: 3,
      state: 'in-source',
      value: { form: 'text', text: 'a,"b' },
    });
    await expect(showLetter(contextOf(log), 'nowhere')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' });
  });

  it('shows bytes that are no text as base64', async () => {
    const log = createMemoryLog();
    await publishRows(log, [{ ...fault(2, ''), raw: Buffer.from([0xff, 0xfe, 0]) }]);
    expect(await showLetter(contextOf(log), '0@0')).toMatchObject({ value: { form: 'base64', base64: '//4A' } });
  });
});

describe('dead-letters retry', () => {
  it('publishes the original bytes with the next attempt, once, and a mended model embeds them', async () => {
    const log = createMemoryLog();
    await embed(log, [{ id: 'fine', text: 'fine' }, ...poison(2)], 'fake', 3);
    const before = await latestValues(log, topics.records);
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 2, states: { open: 2, retried: 0 } });
    expect(await latestValues(log, topics.records)).toEqual(before);
    expect((await attempts(log)).filter(Boolean)).toEqual(['2', '2']);
    expect((await list(log)).map((line) => line.split(' ').at(-1))).toEqual(['retried', 'retried']);
    // Before the processor came to it, and after.
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 0, states: { open: 0, retried: 2 } });
    const { counts } = await processAll(log, mended(), {}, 3);
    expect(counts).toMatchObject({ read: 2, embedded: 2 });
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 0, states: { resolved: 2 } });
  });

  it('a retry that fails again is one open letter, whose next retry is the third attempt', async () => {
    const log = createMemoryLog();
    await embed(log, poison(1));
    await retryLetters(contextOf(log), {});
    await processAll(log, fakeEmbedder());
    expect(await list(log)).toEqual(['0@1 p0 process MODEL_INPUT open', '0@0 p0 process MODEL_INPUT superseded']);
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 1 });
    expect(await attempts(log)).toEqual([undefined, '2', '3']);
  });

  it('takes only what is asked for, says what it did not find and what only the source can mend', async () => {
    const log = createMemoryLog();
    await embed(log, [fault(3, 'a,b'), ...poison(3)]);
    const report = await retryLetters(contextOf(log), { ids: ['p1', '0@3', 'rows:3', 'nowhere'] });
    expect(report).toMatchObject({ published: 2, notFound: ['nowhere'], inSource: ['0@0'] });
    expect((await list(log, { states: ['retried'] })).map((line) => line.split(' ')[1])).toEqual(['p2', 'p1']);
    expect(await retryLetters(contextOf(log), { reasons: ['OTHER'] })).toMatchObject({ published: 0 });
    expect(await retryLetters(contextOf(log), { stages: ['produce'] })).toMatchObject({ states: { 'in-source': 1 } });
  });

  it('publishes a record once for all the models that dead-lettered it', async () => {
    const log = createMemoryLog();
    await publishRows(log, poison(2));
    await processAll(log, fakeEmbedder());
    await processAll(log, fakeEmbedder({ name: 'second' }));
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 2, states: { open: 4 } });
    expect(await retryLetters(contextOf(log), { models: ['second'] })).toMatchObject({ states: { retried: 2 } });
  });

  it('publishes a record once, also when the processors fail on it again before the retry has ended', async () => {
    const log = createMemoryLog();
    await publishRows(log, poison(1));
    const processBoth = async (): Promise<void> => {
      await processAll(log, fakeEmbedder());
      await processAll(log, fakeEmbedder({ name: 'second' }));
    };
    await processBoth();
    const busy: Log = Object.assign(Object.create(log) as Log, {
      groups: async () => {
        await processBoth();
        return log.groups();
      },
      producer: (id: string) => log.producer(id),
      topics: () => log.topics(),
      read: (...args: Parameters<Log['read']>) => log.read(...args),
    });
    const report = await retryLetters(contextOf(busy), {}, { blockSize: 1 });
    expect(report).toMatchObject({ published: 1, states: { open: 2 } });
    expect(await attempts(log)).toEqual([undefined, '2']);
  });

  it('keeps metadata that changed since, and leaves changed and deleted records alone', async () => {
    const log = createMemoryLog();
    await embed(log, poison(3));
    await publishRows(log, [
      { id: 'p0', text: 'poison 0', metadata: { year: '1500' } },
      { id: 'p1', text: 'changed' },
    ]);
    await append(log, [{ topic: topics.records, key: Buffer.from('p2'), value: null }]);
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 1, states: { open: 1, resolved: 2 } });
    const latest = await latestValues(log, topics.records);
    expect(codec.decodeSourceRecord(latest.get('p0')!).metadata).toEqual(new Map([['year', '1500']]));
    expect(codec.decodeSourceRecord(latest.get('p1')!).text).toBe('changed');
    expect(latest.has('p2')).toBe(false);
  });

  it('never lets an older version win over one that is published meanwhile', async () => {
    const log = createMemoryLog();
    await embed(log, poison(3));
    let appends = 0;
    // p0 changes after the records were read, p1 in the moment before the append.
    const racing: Log = Object.assign(Object.create(log) as Log, {
      groups: async () => {
        await publishRows(log, [{ id: 'p0', text: 'changed first' }]);
        return log.groups();
      },
      producer: async (id: string) => {
        const producer = await log.producer(id);
        return {
          close: () => producer.close(),
          append: async (records: Parameters<typeof producer.append>[0]) => {
            if (appends++ === 0) await publishRows(log, [{ id: 'p1', text: 'changed last' }]);
            return producer.append(records);
          },
        };
      },
      topics: () => log.topics(),
      read: (...args: Parameters<Log['read']>) => log.read(...args),
    });
    expect(await retryLetters(contextOf(racing), {})).toMatchObject({ published: 2, overtaken: 1 });
    expect(appends).toBe(2);
    const latest = await latestValues(log, topics.records);
    const texts = ['p0', 'p1', 'p2'].map((id) => codec.decodeSourceRecord(latest.get(id)!).text);
    expect(texts).toEqual(['changed first', 'changed last', 'poison 2']);
  });

  it('says that a record without a key can not be retried', async () => {
    const log = createMemoryLog();
    await embed(log, []);
    await append(log, [{ topic: topics.records, key: null, value: Buffer.from('no record') }]);
    await processAll(log, fakeEmbedder());
    expect(await list(log)).toEqual(['0@0  process CODEC_NOT_FRAMED open']);
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 0, withoutKey: 1 });
  });

  it('retries a value that is no record: its own bytes are its content', async () => {
    const log = createMemoryLog();
    await embed(log, []);
    await append(log, [{ topic: topics.records, key: Buffer.from('x'), value: Buffer.from('no record') }]);
    await processAll(log, fakeEmbedder());
    expect(await retryLetters(contextOf(log), {})).toMatchObject({ published: 1 });
    await processAll(log, fakeEmbedder());
    expect(await list(log)).toHaveLength(2);
  });

  it('a retry that begins fences one that is still at work', async () => {
    const log = createMemoryLog();
    await embed(log, poison(2));
    const other: Log = Object.assign(Object.create(log) as Log, {
      groups: async () => {
        await log.producer(`${topics.deadLetters}.retry`);
        return log.groups();
      },
      producer: (id: string) => log.producer(id),
      topics: () => log.topics(),
      read: (...args: Parameters<Log['read']>) => log.read(...args),
    });
    await expect(retryLetters(contextOf(other), {})).rejects.toMatchObject({ code: 'LOG_FENCED' });
    expect(await attempts(log)).toEqual([undefined, undefined]);
  });
});
