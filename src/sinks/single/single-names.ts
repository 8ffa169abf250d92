import { resolve } from 'node:path';
import { topicSegment, type TopicNames } from '../../log/topics.ts';
import type { SingleForm } from '../shard-encoder.ts';
import { folderSegment } from '../shard-name.ts';

export interface SingleFileNameOptions {
  readonly form: SingleForm;
  readonly model: string;
  /** The folder above `<form>/<model>/`. */
  readonly out: string;
  /** Default `<form>-<model>`. */
  readonly sinkName?: string;
  readonly topics: TopicNames;
}

export interface SingleFileNames {
  readonly sinkName: string;
  readonly group: string;
  readonly input: string;
  readonly shardsTopic: string;
  /** `<out>/<form>/<model>`, absolute. Both forms of a vector store's export have one folder. */
  readonly folder: string;
  /** What the files' names begin with: the model's name. */
  readonly stem: string;
}

const RECORDS_SUFFIX = '.records';

export function singleFileNames({ form, model, out, sinkName, topics }: SingleFileNameOptions): SingleFileNames {
  const folderName = form === 'vector-store-jsonl' ? 'vector-store' : form;
  const name = topicSegment(sinkName ?? `${folderName}-${model}`);
  return {
    sinkName: name,
    group: `${topics.records.slice(0, -RECORDS_SUFFIX.length)}.sink.${name}`,
    input: topics.embeddings(model),
    shardsTopic: topics.shards(name),
    folder: resolve(out, folderName, folderSegment(model)),
    stem: folderSegment(model),
  };
}
