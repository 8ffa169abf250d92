import { Counter, type Registry } from 'prom-client';
import { named, Total } from './counting.ts';

type Counts<Name extends string> = Readonly<Record<Name, number>>;

const SOURCE_OUTCOMES = {
  created: 'created',
  changed: 'changed',
  unchanged: 'unchanged',
  filtered: 'filtered',
  deadLettered: 'dead_lettered',
} as const;
const IMPORT_OUTCOMES = {
  created: 'created',
  changed: 'changed',
  unchanged: 'unchanged',
  superseded: 'superseded',
  deadLettered: 'dead_lettered',
} as const;
const PROCESS_OUTCOMES = {
  embedded: 'embedded',
  skipped: 'skipped',
  superseded: 'superseded',
  notApplicable: 'not_applicable',
  deleted: 'deleted',
  deadLettered: 'dead_lettered',
} as const;

interface WithReasons {
  /** By code. */
  readonly deadLettersByReason: Readonly<Record<string, number>>;
}
export type SourceCounts = Counts<keyof typeof SOURCE_OUTCOMES | 'pruned' | 'bytesRead'> & WithReasons;
export type ImportCounts = Counts<keyof typeof IMPORT_OUTCOMES | 'pruned' | 'bytesRead'> & WithReasons;
export type ProcessorCounts = Counts<keyof typeof PROCESS_OUTCOMES> & WithReasons;
export type SinkCounts = Counts<'rows' | 'deletions' | 'shards' | 'bytes'> & Partial<WithReasons>;

/** For each stage of a run, what to call with what it has done since its start. */
export interface StageMetrics {
  source(source: string): (counts: SourceCounts) => void;
  import(name: string): (counts: ImportCounts) => void;
  processor(model: string): (counts: ProcessorCounts) => void;
  sink(sink: string): (counts: SinkCounts) => void;
}

export function createStageMetrics(registry: Registry): StageMetrics {
  const rows = new Counter(
    named(registry, 'source_rows_total', 'Rows read from a source: created and changed ones were published.', [
      'source',
      'outcome',
    ]),
  );
  const sourceBytes = new Counter(named(registry, 'source_bytes_total', 'Bytes read from a source.', ['source']));
  const pruned = new Counter(
    named(registry, 'source_pruned_total', 'Records deleted since the source no longer has them.', ['source']),
  );
  const records = new Counter(
    named(registry, 'processed_records_total', 'Records read for a model: each has one outcome.', ['model', 'outcome']),
  );
  const deadLetters = new Counter(
    named(registry, 'dead_letters_total', 'Dead letters met, by the code of their reason.', ['stage', 'reason']),
  );
  const sinkRows = new Counter(
    named(registry, 'sink_rows_total', 'Embeddings and deletions written.', ['sink', 'kind']),
  );
  const shards = new Counter(named(registry, 'sink_shards_total', 'Shards published.', ['sink']));
  const sinkBytes = new Counter(
    named(registry, 'sink_bytes_total', 'Bytes of the shards published, or sent to a store.', ['sink']),
  );

  /** Reasons are codes of ours, so there are few; which of them will come nobody knows before. */
  function reasonsOf(stage: string): (counts: WithReasons) => void {
    const totals = new Map<string, Total<'stage' | 'reason'>>();
    return ({ deadLettersByReason }) => {
      for (const [reason, count] of Object.entries(deadLettersByReason)) {
        const total = totals.get(reason) ?? new Total(deadLetters, { stage, reason });
        totals.set(reason, total);
        total.set(count);
      }
    };
  }

  function readingOf<Key extends string>(
    source: string,
    stage: string,
    outcomes: Readonly<Record<Key, string>>,
  ): (counts: Counts<NoInfer<Key> | 'pruned' | 'bytesRead'> & WithReasons) => void {
    const totals = totalsOf(outcomes, (outcome) => new Total(rows, { source, outcome }));
    const bytes = new Total(sourceBytes, { source });
    const deleted = new Total(pruned, { source });
    const reasons = reasonsOf(stage);
    return (counts) => {
      for (const [key, total] of totals) total.set(counts[key]);
      bytes.set(counts.bytesRead);
      deleted.set(counts.pruned);
      reasons(counts);
    };
  }

  return {
    source: (source) => readingOf(source, 'produce', SOURCE_OUTCOMES),
    import: (name) => readingOf(name, 'import', IMPORT_OUTCOMES),
    processor: (model) => {
      const totals = totalsOf(PROCESS_OUTCOMES, (outcome) => new Total(records, { model, outcome }));
      const reasons = reasonsOf('process');
      return (counts) => {
        for (const [key, total] of totals) total.set(counts[key]);
        reasons(counts);
      };
    },
    sink: (sink) => {
      const embeddings = new Total(sinkRows, { sink, kind: 'embedding' });
      const deletions = new Total(sinkRows, { sink, kind: 'deletion' });
      const files = new Total(shards, { sink });
      const bytes = new Total(sinkBytes, { sink });
      const reasons = reasonsOf('sink');
      return (counts) => {
        embeddings.set(counts.rows);
        deletions.set(counts.deletions);
        files.set(counts.shards);
        bytes.set(counts.bytes);
        reasons({ deadLettersByReason: counts.deadLettersByReason ?? {} });
      };
    },
  };
}

function totalsOf<Key extends string, Label extends string>(
  outcomes: Readonly<Record<Key, string>>,
  total: (outcome: string) => Total<Label>,
): (readonly [Key, Total<Label>])[] {
  return (Object.entries(outcomes) as [Key, string][]).map(([key, outcome]) => [key, total(outcome)] as const);
}
