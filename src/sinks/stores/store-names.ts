import { topicSegment, type TopicNames } from '../../log/topics.ts';
import { sha256 } from '../../record/identity.ts';

const RECORDS_SUFFIX = '.records';
const HASH_DIGITS = 8;

export interface StoreSinkNames {
  readonly sinkName: string;
  readonly group: string;
  readonly shardsTopic: string;
}

export interface StoreIdentity {
  /** Name of the adapter. */
  readonly adapter: string;
  readonly model: string;
  readonly location: string;
  /** Default: made of the three above, so that another place is another sink with a position of its own. */
  readonly sinkName?: string;
}

export function storeSinkNames(
  { adapter, model, location, sinkName }: StoreIdentity,
  topics: Pick<TopicNames, 'records' | 'shards'>,
): StoreSinkNames {
  const place = sha256(location).toString('hex').slice(0, HASH_DIGITS);
  const name = topicSegment(sinkName ?? `${adapter}-${topicSegment(model)}-${place}`);
  return { sinkName: name, group: sinkGroup(topics, name), shardsTopic: topics.shards(name) };
}

/** The consumer group of a sink, a store's or a file format's. */
export function sinkGroup({ records }: Pick<TopicNames, 'records'>, sinkName: string): string {
  return `${records.slice(0, -RECORDS_SUFFIX.length)}.sink.${sinkName}`;
}
