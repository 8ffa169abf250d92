import type { Codec } from '../../codec/port.ts';
import type { Log } from '../../log/port.ts';
import type { TopicNames } from '../../log/topics.ts';
import type { OnDeadLetter } from '../../record/dead-letter.ts';
import type { Trust } from './import-identity.ts';
import type { ImportReport } from './import-report.ts';
import type { ImportSet } from './import-set.ts';
import type { ReaderOptions } from './open-reader.ts';

export interface ImportOptions {
  readonly set: ImportSet;
  /** Under which the state of the import is kept. */
  readonly name: string;
  /** The model's name, and what else files may call it. */
  readonly model: { readonly name: string; readonly aliases: readonly string[] };
  /** Left out: the first row decides. */
  readonly dimension?: number;
  readonly reading: ReaderOptions;
  /** Left out: the vectors are of nothing but this import. */
  readonly trust?: Pick<Trust, 'fingerprint' | 'kinds'>;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly partitions: number;
  readonly clock: () => number;
  /** Stop after this many new or changed rows. */
  readonly limit?: number;
  /** Delete what this import has put on the log and the files no longer have. */
  readonly prune?: boolean;
  /** Asked before more than a tenth is deleted; false leaves all. */
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: ImportReport) => void;
  /** Told of dead letters that are new. */
  readonly onDeadLetter?: OnDeadLetter;
}
