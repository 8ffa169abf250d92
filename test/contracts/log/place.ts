import type { Log } from '../../../src/log/port.ts';

export interface OpenOptions {
  readonly clock?: () => number;
  /** Only where `limitsBytes`. */
  readonly maxLogBytes?: number;
}

/** One log, empty at first; every handle stands for a process of its own. */
export interface LogPlace {
  open(options?: OpenOptions): Promise<Log>;
  /** Closes every handle and removes everything. */
  dispose(): Promise<void>;
  /** How another process opens it: `openLog(argument)` of the module at a file URL. */
  readonly child?: { readonly module: string; readonly argument: string };
}

/** What an adapter under contract gives; abilities are those that not every log has. */
export interface LogFactory {
  create(): Promise<LogPlace>;
  /** `compact` does its work before it resolves. */
  readonly compactsOnDemand: boolean;
  /** A second consumer of a group is refused, instead of sharing its partitions. */
  readonly oneConsumerAGroup: boolean;
  readonly limitsBytes: boolean;
  /** The offsets of a partition's records have no gaps but what compaction leaves. */
  readonly numbersWithoutGaps: boolean;
}

export type PlaceOf = () => LogPlace;
