import type { LogObserver } from '../../log/observer.ts';
import type { Log } from '../../log/port.ts';
import type { Embedder } from '../../models/port.ts';
import type { OnDeadLetter } from '../../record/dead-letter.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { PipelineMetrics } from '../../telemetry/metrics/pipeline-metrics.ts';
import type { ImportCounts, ProcessorCounts, SinkCounts, SourceCounts } from '../../telemetry/metrics/stage-metrics.ts';
import { Readiness } from '../../telemetry/readiness.ts';
import { GroupReadiness } from './group-readiness.ts';
import { LogLines } from './log-lines.ts';
import { observeEmbedder } from './observed-embedder.ts';
import { ObservedLog } from './observed-log.ts';

export interface InstrumentsOptions {
  readonly logger: Logger;
  /** Left out: nothing is counted, and log and model stay as they are. */
  readonly metrics?: PipelineMetrics;
}

/** All that watches a command at work: log lines of records, metrics, and whether it is ready. */
export class Instruments {
  readonly readiness = new Readiness();
  /** For whoever opens the log. */
  readonly logObserver: LogObserver;
  readonly logger: Logger;
  readonly #metrics: PipelineMetrics | undefined;
  readonly #lines: LogLines;
  readonly #groups: GroupReadiness;
  readonly #opened = this.readiness.pending('the log is not open yet');
  readonly #begun = this.readiness.pending('the work has not begun yet');

  constructor({ logger, metrics }: InstrumentsOptions) {
    this.logger = logger;
    this.#metrics = metrics;
    this.#lines = new LogLines({ logger });
    this.#groups = new GroupReadiness(this.readiness, this.#begun);
    const { observer } = this.#lines;
    this.logObserver = {
      assigned: (group, partitions) => {
        this.#groups.assigned(group, partitions);
      },
      committed: (transaction) => {
        metrics?.log.committed(transaction.group, transaction.elapsedMs / 1000);
        observer.committed?.(transaction);
      },
      retried: (retry) => {
        metrics?.log.retried(retry.operation, retry.error.code);
        observer.retried?.(retry);
      },
      topicsDiffer: (differences) => {
        observer.topicsDiffer?.(differences);
      },
    };
  }

  /** The log, once it is open, as all the work is to use it. */
  observeLog(log: Log): Log {
    this.#opened();
    return this.#metrics === undefined
      ? log
      : new ObservedLog(log, { metrics: this.#metrics.log, groups: this.#groups });
  }

  /** Not ready until the answer is called: right before a group is run. */
  preparing(what: string): () => void {
    return this.readiness.pending(`${what} is being prepared`);
  }

  /** For work that runs no group: it is what the command is there for. */
  begun(): void {
    this.#begun();
  }

  async loadModel(load: () => Promise<Embedder>): Promise<Embedder> {
    const startMs = performance.now();
    const embedder = await load();
    if (this.#metrics === undefined) return embedder;
    this.#metrics.models.loaded(embedder.info.name, (performance.now() - startMs) / 1000);
    return observeEmbedder(embedder, this.#metrics.models);
  }

  /** Says why a record or a row became a dead letter. */
  readonly onDeadLetter: OnDeadLetter = (origin, reason) => {
    this.#lines.deadLetter(origin, reason);
  };

  /** What to call with what a source's publisher has done so far; the same for a processor. */
  source(source: string): (counts: SourceCounts) => void {
    return this.#metrics?.stages.source(source) ?? (() => undefined);
  }

  import(name: string): (counts: ImportCounts) => void {
    return this.#metrics?.stages.import(name) ?? (() => undefined);
  }

  processor(model: string): (counts: ProcessorCounts) => void {
    return this.#metrics?.stages.processor(model) ?? (() => undefined);
  }

  /** Looks at a sink's counts whenever metrics are asked for, until the answer is called. */
  sink(sink: string, counts: () => SinkCounts): () => void {
    const tell = this.#metrics?.stages.sink(sink);
    if (this.#metrics === undefined || tell === undefined) return () => undefined;
    return this.#metrics.beforeAnswer(() => {
      tell(counts());
    });
  }

  /** Says what was kept back. */
  close(): void {
    this.#lines.flush();
  }
}
