import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPipelineMetrics } from '../../src/telemetry/metrics/pipeline-metrics.ts';
import { samplesNamed, samplesOf } from './exposition.ts';

const none = { created: 0, changed: 0, unchanged: 0, filtered: 0, deadLettered: 0, pruned: 0, bytesRead: 0 };
const sourceCounts = { ...none, deadLettersByReason: {} };

describe('createPipelineMetrics', () => {
  it('says what is running, and how Node does', async () => {
    const samples = samplesOf(await createPipelineMetrics({ version: '1.2.3' }).text());
    expect(samples.get(`embedstream_build_info{node="${process.version}",version="1.2.3"}`)).toBe(1);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect([...samples.keys()].some((name) => name.startsWith('nodejs_eventloop_lag'))).toBe(true);
  });

  it('adds up what stages tell of their totals, and begins each outcome with a zero', async () => {
    const metrics = createPipelineMetrics({ version: '1' });
    const first = metrics.stages.source('museum');
    const zeros = { created: 0, changed: 0, unchanged: 0, filtered: 0, dead_lettered: 0 };
    const outcomes = async (): Promise<unknown> => {
      const found = Object.entries(samplesNamed(await metrics.text(), 'embedstream_source_rows_total'));
      return Object.fromEntries(found.map(([labels, count]) => [/outcome="(\w+)"/.exec(labels)?.[1], count]));
    };
    expect(await outcomes()).toEqual(zeros);
    first({ ...sourceCounts, created: 3 });
    first({
      ...sourceCounts,
      created: 5,
      deadLettered: 2,
      deadLettersByReason: { CSV_RAGGED_ROW: 1, DUPLICATE_ID: 1 },
    });
    // Nothing new.
    first({
      ...sourceCounts,
      created: 5,
      deadLettered: 2,
      deadLettersByReason: { CSV_RAGGED_ROW: 1, DUPLICATE_ID: 1 },
    });
    expect(await outcomes()).toEqual({ ...zeros, created: 5, dead_lettered: 2 });
    // A total that goes back is a mistake of who counts, which must not end the run.
    first({ ...sourceCounts, created: 4, deadLettered: 2 });
    expect(await outcomes()).toEqual({ ...zeros, created: 5, dead_lettered: 2 });
    // A second run of the same source in this process begins to count from zero.
    metrics.stages.source('museum')({ ...sourceCounts, created: 1, unchanged: 5 });
    expect(await outcomes()).toEqual({ ...zeros, created: 6, unchanged: 5, dead_lettered: 2 });
    // An import has an outcome more and one less.
    const imported = { ...sourceCounts, superseded: 4, deadLettered: 1, deadLettersByReason: { IMPORT_NO_ID: 1 } };
    metrics.stages.import('vectors')(imported);
    expect(samplesNamed(await metrics.text(), 'embedstream_source_rows_total')).toMatchObject({
      '{outcome="superseded",source="vectors"}': 4,
    });
    expect(samplesNamed(await metrics.text(), 'embedstream_dead_letters_total')).toEqual({
      '{reason="IMPORT_NO_ID",stage="import"}': 1,
      '{reason="CSV_RAGGED_ROW",stage="produce"}': 1,
      '{reason="DUPLICATE_ID",stage="produce"}': 1,
    });
  });

  it('looks at counts that nobody tells of whenever it is asked, and a last time at their end', async () => {
    const metrics = createPipelineMetrics({ version: '1' });
    const tell = metrics.stages.sink('parquet-m');
    const stats = { rows: 1, deletions: 0, shards: 1, bytes: 10 };
    const end = metrics.beforeAnswer(() => {
      tell(stats);
    });
    expect(samplesNamed(await metrics.text(), 'embedstream_sink_bytes_total')).toEqual({ '{sink="parquet-m"}': 10 });
    stats.bytes = 25;
    end();
    stats.bytes = 100;
    expect(samplesNamed(await metrics.text(), 'embedstream_sink_bytes_total')).toEqual({ '{sink="parquet-m"}': 25 });
  });

  it('is what docs/metrics.md lists', async () => {
    const text = await createPipelineMetrics({ version: '1' }).text();
    const names = Array.from(text.matchAll(/^# TYPE (embedstream_\w+) /gm), ([, name]) => name);
    const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = Array.from(docs.matchAll(/^\| `(embedstream_\w+)`/gm), ([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(documented.sort()).toEqual(names.sort());
  });
});
