/** Several models in one run: each record is read once, a failure of one doesn't stop the others, each goes on by itself. */
import { describe, expect, it } from 'vitest';
import { documentRow, newPlace, numbers, TINY_BERT, until } from './runner.ts';
import type { CommandJson, Place } from './runner.ts';

const BOTH = `--model=hashed-384,${TINY_BERT}`;
const failedOf = (json: unknown) => (json as { failed?: { model: string; code: string }[] }).failed;
const byModel = ({ processed }: CommandJson, model: string) => processed.find((each) => each['model'] === model);

function withRows(count: number): Place {
  const place = newPlace();
  place.writeRows(
    'documents.csv',
    numbers(0, count).map((i) => documentRow(i)),
  );
  return place;
}

/** What a ledger can't be restored from, so that this model fails when it begins. */
async function breakLedger(place: Place, model: string): Promise<void> {
  await place.withLog(async (log) => {
    const producer = await log.producer('vandal');
    await producer.append([
      { topic: `embedstream.ledger.${model}`, key: Buffer.from('d0'), value: Buffer.from('no ledger entry') },
    ]);
    await producer.close();
  });
}

describe('process with several models', () => {
  it('embeds each record with each model, and nothing a second time', async () => {
    const place = withRows(300);
    await place.done('produce', '--source=documents.csv');
    const first = await place.done('process', BOTH);
    expect(byModel(first, 'hashed-384')).toMatchObject({ read: 300, embedded: 300 });
    expect(byModel(first, 'tiny-bert')).toMatchObject({ read: 300, embedded: 300 });
    const again = await place.done('process', BOTH);
    expect(again.processed).toMatchObject([{ read: 0 }, { read: 0 }]);
    // A model that comes later has all of it before it, the other only what is new.
    place.writeRows(
      'more.csv',
      numbers(300, 400).map((i) => documentRow(i)),
    );
    await place.done('produce', '--source=more.csv');
    await place.done('process', '--model=hashed-384');
    const later = await place.done('process', BOTH);
    expect(byModel(later, 'hashed-384')).toMatchObject({ embedded: 0 });
    expect(byModel(later, 'tiny-bert')).toMatchObject({ embedded: 100 });
  });

  it('ends the others’ work when one fails, says so, and exits 1; the next run goes on', async () => {
    const place = withRows(200);
    await place.done('produce', '--source=documents.csv');
    const owner = place.start(['process', `--model=${TINY_BERT}`, '--follow']);
    await until(async () => (await place.live('embedstream.embeddings.tiny-bert')).size === 200, owner);
    const { code, json, stderr } = await place.json('process', BOTH);
    expect({ code, json, stderr }).toMatchObject({
      code: 1,
      json: { processed: [{ model: 'hashed-384', embedded: 200 }] },
    });
    expect(failedOf(json)).toMatchObject([
      { model: expect.stringContaining('tiny-bert') as string, code: 'LOG_GROUP_OWNED' },
    ]);
    const told = await place.run('process', BOTH);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/process hashed-384[\s\S]*error: process .*tiny-bert: .*each model goes on/s);
    owner.child.kill('SIGTERM');
    await owner.ended;
    const resumed = await place.done('process', BOTH);
    expect(resumed.processed).toMatchObject([{ embedded: 0 }, { embedded: 0 }]);
  });

  it('refuses the whole run, before anything is embedded, when one can’t be loaded', async () => {
    const place = withRows(20);
    await place.done('produce', '--source=documents.csv');
    place.write('broken/config.json', '{"hidden_size": 32}');
    place.write('broken/tokenizer.json', '{}');
    place.write('broken/onnx/model.onnx', 'no model');
    const { code, json } = await place.json('process', '--model=hashed-384,./broken');
    expect(code).toBe(1);
    expect(json.error).toMatchObject({
      code: 'MODEL_LOAD_FAILED',
      message: expect.stringContaining('broken') as string,
    });
    expect((await place.live('embedstream.embeddings.hashed-384')).size).toBe(0);
  });
});

describe('embed with several models', () => {
  it('finishes the outputs of those that work when one fails', async () => {
    const place = withRows(150);
    await place.done('produce', '--source=documents.csv');
    await place.done('process', `--model=${TINY_BERT}`);
    await breakLedger(place, 'tiny-bert');
    const { code, json, stderr } = await place.json('embed', '--source=documents.csv', '--sink=parquet', BOTH);
    expect({ code, json, stderr }).toMatchObject({
      code: 1,
      json: { processed: [{ model: 'hashed-384', embedded: 150 }], reconciliation: { differences: 0 } },
    });
    expect(failedOf(json)).toHaveLength(1);
    expect(failedOf(json)?.[0]?.model).toContain('tiny-bert');
    const rows = await place.rows('data', 'parquet', 'hashed-384');
    expect(new Set(rows.map(({ id }) => id)).size).toBe(150);
  });
});

describe('where local models run', () => {
  it.skipIf(process.platform !== 'linux')('refuses what can’t be had, and auto says what it took', async () => {
    const place = withRows(5);
    await place.done('produce', '--source=documents.csv');
    const refused = await place.run('process', `--model=${TINY_BERT}`, '--device=coreml');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/tiny-bert can't run on coreml: ONNX Runtime has it on macOS only.*--device=cpu/);
    const chosen = await place.run('process', `--model=${TINY_BERT}`, '--device=auto', '--workers=1', '--threads=2');
    expect(chosen.code).toBe(0);
    expect(chosen.stderr).toMatch(/tiny-bert runs on (?:the processor: cuda: |cuda)/);
  });
});
