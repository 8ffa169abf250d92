import { describe, expect, it } from 'vitest';
import { PipelineError } from '../../../src/errors.ts';
import { Instruments } from '../../../src/operations/observed/instruments.ts';
import { EmbeddingTask, ensureProcessorTopics } from '../../../src/processors/embedding-task.ts';
import { silentLogger } from '../../../src/telemetry/log.ts';
import { createPipelineMetrics, type PipelineMetrics } from '../../../src/telemetry/metrics/pipeline-metrics.ts';
import { CLOCK, codec, createMemoryLog, fakeEmbedder, publishRows, topics } from '../../pipeline-fixtures.ts';
import { samplesNamed } from '../../telemetry/exposition.ts';

const LONG = 'one two three four five six seven eight nine';

function start(): { instruments: Instruments; metrics: PipelineMetrics; of: (name: string) => Promise<unknown> } {
  const metrics = createPipelineMetrics({ version: '1' });
  const of = async (name: string): Promise<unknown> => samplesNamed(await metrics.text(), `embedstream_${name}`);
  return { instruments: new Instruments({ logger: silentLogger, metrics }), metrics, of };
}

describe('Instruments', () => {
  it('count what a processor does as its own report has it', async () => {
    const { instruments, of } = start();
    const log = instruments.observeLog(createMemoryLog());
    const embedder = await instruments.loadModel(() => Promise.resolve(fakeEmbedder()));
    const rows = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, text: `text ${id}` }));
    await publishRows(log, [...rows, { id: 'bad', text: 'poison' }, { id: 'long', text: LONG }]);
    await publishRows(log, [
      { id: 'a', text: 'text z' },
      { id: 'e', text: 'text e' },
    ]);
    await ensureProcessorTopics(log, topics, 'fake', 1);
    const task = new EmbeddingTask({
      ...{ log, codec, embedder, topics, namespace: 'test', clock: CLOCK },
      onProgress: instruments.processor('fake'),
      onDeadLetter: instruments.onDeadLetter,
    });
    await log.run(task, { until: 'end', maxBatchRecords: 4 });
    const { embedded, skipped, superseded, notApplicable, deleted, deadLettered, tokens } = task.counts;
    expect(embedded + deadLettered).toBeGreaterThan(6);
    expect(await of('processed_records_total')).toEqual({
      '{model="fake",outcome="embedded"}': embedded,
      '{model="fake",outcome="skipped"}': skipped,
      '{model="fake",outcome="superseded"}': superseded,
      '{model="fake",outcome="not_applicable"}': notApplicable,
      '{model="fake",outcome="deleted"}': deleted,
      '{model="fake",outcome="dead_lettered"}': deadLettered,
    });
    expect(await of('dead_letters_total')).toEqual({ '{reason="MODEL_INPUT",stage="process"}': 1 });
    // The model has read the poisoned text, too.
    expect(await of('model_tokens_total')).toEqual({ '{model="fake"}': tokens + 1 });
    expect(await of('model_truncated_inputs_total')).toEqual({ '{model="fake"}': 1 });
    expect(await of('model_faulty_inputs_total')).toEqual({ '{model="fake"}': 1 });
    expect(await of('model_batches_total')).toEqual({
      '{model="fake",outcome="failed"}': 0,
      '{model="fake",outcome="ok"}': 2,
    });
    expect(await of('model_batch_seconds_count')).toEqual({ '{model="fake"}': 2 });
    expect(await of('model_load_seconds')).toEqual({ '{model="fake"}': expect.any(Number) as number });
  });

  it('count what a model has before it, and batches that fail', async () => {
    const { instruments, of } = start();
    const fake = fakeEmbedder({ manual: true });
    const embedder = await instruments.loadModel(() => Promise.resolve(fake));
    const first = embedder.embed([
      { text: 'ä' },
      { text: 'b', image: { mime: 'image/png', bytes: new Uint8Array(10) } },
    ]);
    const second = embedder.embed([{ text: 'world' }]);
    expect(await of('model_queue_inputs')).toEqual({ '{model="fake"}': 3 });
    expect(await of('model_queue_bytes')).toEqual({ '{model="fake"}': 2 + 1 + 10 + 5 });
    fake.release();
    await first;
    await expect(second).rejects.toThrow('the model broke');
    expect(await of('model_queue_inputs')).toEqual({ '{model="fake"}': 0 });
    expect(await of('model_queue_bytes')).toEqual({ '{model="fake"}': 0 });
    expect(await of('model_batches_total')).toEqual({
      '{model="fake",outcome="failed"}': 1,
      '{model="fake",outcome="ok"}': 1,
    });
  });

  it('count commits and retries that the log tells of', async () => {
    const { instruments, of } = start();
    const { logObserver } = instruments;
    logObserver.committed?.({ group: 'g', topic: 't', partition: 0, outputs: 3, elapsedMs: 20 });
    const error = new PipelineError('LOG_BUSY', 'busy', { retriable: true });
    logObserver.retried?.({ operation: 'append', attempt: 1, waitMs: 10, error });
    expect(await of('transaction_commit_seconds_sum')).toEqual({ '{group="g"}': 0.02 });
    expect(await of('log_retries_total')).toEqual({ '{code="LOG_BUSY",operation="append"}': 1 });
  });

  it('are ready once the log is open and all work that is prepared has its partitions', () => {
    const { instruments } = start();
    const reasons = (): readonly string[] => instruments.readiness.reasons;
    expect(reasons()).toEqual(['the log is not open yet', 'the work has not begun yet']);
    const log = instruments.observeLog(createMemoryLog());
    expect(reasons()).toEqual(['the work has not begun yet']);
    const prepared = instruments.preparing('process fake');
    instruments.begun();
    expect(reasons()).toEqual(['process fake is being prepared']);
    prepared();
    void log.run({ group: 'g', inputs: [], open: () => Promise.reject(new Error('has no partition')) });
    expect(reasons()).toEqual(['g waits for its partitions, or restores their state']);
    instruments.logObserver.assigned?.('g', 0);
    expect(reasons()).toEqual([]);
  });

  it('leave log and model as they are where nothing is counted', async () => {
    const instruments = new Instruments({ logger: silentLogger });
    const log = createMemoryLog();
    const embedder = fakeEmbedder();
    expect(instruments.observeLog(log)).toBe(log);
    expect(await instruments.loadModel(() => Promise.resolve(embedder))).toBe(embedder);
  });
});
