import type { Codec } from '../codec/port.ts';
import type { Log } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';
import type { OnDeadLetter } from '../record/dead-letter.ts';
import type { Source, SourceFault, SourceItem } from './port.ts';
import type { PublishDecision, PublishReport } from './publish-report.ts';

export interface PublishOptions {
  readonly source: Source;
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  readonly partitions: number;
  readonly clock: () => number;
  /** Stop after this many new or changed records; what is unchanged does not count, so that a repeat makes progress. */
  readonly limit?: number;
  /** Delete records of this source that it no longer has. Needs the whole source: no `limit`, no filter. */
  readonly prune?: boolean;
  /** Asked before more than a tenth of the records is deleted; false leaves them. */
  readonly confirmPrune?: (vanished: number, total: number) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: PublishReport) => void;
  /** Told of dead letters that are new. */
  readonly onDeadLetter?: OnDeadLetter;
  /** Decides everything and writes nothing: no topic, no transaction. `prune` is left out. */
  readonly dryRun?: boolean;
  /** Told of each item and fault as it is decided. */
  readonly onDecision?: (item: SourceItem | SourceFault, decision: PublishDecision) => void;
}
