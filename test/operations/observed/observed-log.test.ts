import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/log/port.ts';
import { MemoryStore } from '../../../src/log/memory/memory-store.ts';
import { GroupReadiness } from '../../../src/operations/observed/group-readiness.ts';
import { ObservedLog } from '../../../src/operations/observed/observed-log.ts';
import { createPipelineMetrics, type PipelineMetrics } from '../../../src/telemetry/metrics/pipeline-metrics.ts';
import { Readiness } from '../../../src/telemetry/readiness.ts';
import { describeLogContract } from '../../contracts/log.ts';
import { appendAll, gate, numbered, readValues, scripted, upTo } from '../../contracts/log/tasks.ts';
import { createMemoryLog } from '../../pipeline-fixtures.ts';
import { samplesNamed } from '../../telemetry/exposition.ts';

function observed(log: Log): { log: Log; metrics: PipelineMetrics; readiness: Readiness } {
  const metrics = createPipelineMetrics({ version: '1' });
  const readiness = new Readiness();
  const groups = new GroupReadiness(readiness, () => undefined);
  return { log: new ObservedLog(log, { metrics: metrics.log, groups }), metrics, readiness };
}

describeLogContract('memory, observed', {
  compactsOnDemand: true,
  oneConsumerAGroup: true,
  limitsBytes: false,
  numbersWithoutGaps: true,
  create: () => {
    const store = new MemoryStore();
    const handles: Log[] = [];
    return Promise.resolve({
      open: ({ clock } = {}) => {
        const { log } = observed(createMemoryLog({ store, ...(clock === undefined ? {} : { clock }) }));
        handles.push(log);
        return Promise.resolve(log);
      },
      dispose: async () => {
        await Promise.all(handles.map((log) => log.close()));
      },
    });
  },
});

describe('ObservedLog', () => {
  it('counts records and bytes in and out, and what a task holds', async () => {
    const { log, metrics } = observed(createMemoryLog());
    await log.ensureTopics(['in', 'out'].map((name) => ({ name, partitions: 2, cleanup: 'delete' as const })));
    await appendAll(log, [...numbered('in', 0, 10, 0), ...numbered('in', 10, 5, 1)]);
    // Keys k0 … k14 with values 0 … 14.
    const bytes = Array.from({ length: 15 }, (_, i) => `k${i}${i}`.length).reduce((a, b) => a + b);
    const held: unknown[] = [];
    const task = scripted({
      group: 'g',
      inputs: ['in'],
      process: async (records) => {
        held.push(samplesNamed(await metrics.text(), 'embedstream_queue_records'));
        return { ...upTo(records), outputs: numbered('out', 0, 1) };
      },
    });
    await log.run(task, { until: 'end', maxBatchRecords: 100 });
    const text = await metrics.text();
    const of = (name: string): unknown => samplesNamed(text, `embedstream_${name}`);
    expect(held).toContainEqual({ '{group="g",topic="in"}': 15 });
    expect(of('queue_records')).toEqual({ '{group="g",topic="in"}': 0 });
    expect(of('queue_bytes')).toEqual({ '{group="g",topic="in"}': 0 });
    expect(of('consumed_records_total')).toEqual({ '{group="g",topic="in"}': 15 });
    expect(of('consumed_bytes_total')).toEqual({ '{group="g",topic="in"}': bytes });
    expect(of('appended_records_total')).toEqual({ '{topic="in"}': 15, '{topic="out"}': 2 });
    expect(of('appended_bytes_total')).toEqual({ '{topic="in"}': bytes, '{topic="out"}': 6 });
    expect(of('open_partitions')).toEqual({ '{group="g"}': 0 });
    expect(of('task_step_seconds_count')).toMatchObject({
      '{group="g",step="open"}': 2,
      '{group="g",step="process"}': 2,
      '{group="g",step="committed"}': 2,
      '{group="g",step="close"}': 2,
    });
    await readValues(log, 'in');
    expect(samplesNamed(await metrics.text(), 'embedstream_scanned_records_total')).toEqual({ '{topic="in"}': 15 });
  });

  it('counts nothing that was not committed as appended', async () => {
    const { log, metrics } = observed(createMemoryLog());
    await log.ensureTopics([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    await expect(appendAll(log, numbered('missing', 0, 1))).rejects.toThrow();
    expect(samplesNamed(await metrics.text(), 'embedstream_appended_records_total')).toEqual({});
  });

  it('measures the lag of each partition while a group runs, and at its end', async () => {
    const { log, metrics } = observed(createMemoryLog());
    await log.ensureTopics([{ name: 'in', partitions: 2, cleanup: 'delete' }]);
    await appendAll(log, [...numbered('in', 0, 10, 0), ...numbered('in', 10, 5, 1)]);
    const lag = async (): Promise<unknown> => samplesNamed(await metrics.text(), 'embedstream_group_lag');
    const seen = gate();
    const task = scripted({
      group: 'g',
      inputs: ['in'],
      process: async (records) => {
        await seen.opened;
        return upTo(records);
      },
    });
    const running = log.run(task, { until: 'end' });
    await expect
      .poll(lag)
      .toEqual({ '{group="g",partition="0",topic="in"}': 10, '{group="g",partition="1",topic="in"}': 5 });
    seen.open();
    await running;
    await expect
      .poll(lag)
      .toEqual({ '{group="g",partition="0",topic="in"}': 0, '{group="g",partition="1",topic="in"}': 0 });
  });
});
