import type { Codec } from '../codec/port.ts';
import { UsageError } from '../errors.ts';
import type { Log } from '../log/port.ts';
import type { TopicNames } from '../log/topics.ts';
import type { Similarity } from '../models/catalog/entry.ts';
import { findModel } from '../models/catalog/find-model.ts';
import { describeModel } from '../models/describe-model.ts';
import { findTopic, readTopic } from './topic-reading.ts';

/** What an output has to know of a model. */
export interface KnownModel {
  readonly name: string;
  readonly dimension: number;
  /** What nearness of its vectors is measured by, where that is known. */
  readonly similarity?: Similarity;
}

interface Place {
  readonly log: Log;
  readonly codec: Codec;
  readonly topics: TopicNames;
  /** Where servers that run models are. */
  readonly modelEnvironment?: Readonly<Record<string, string | undefined>>;
}

/**
 * A model that can be run here, or one that is only known from its embeddings on this log, since they were imported. A
 * server of one's own is asked for the dimension of a model that nothing is embedded with yet.
 *
 * @throws UsageError for a model that is neither.
 */
export async function findModelOrImported(place: Place, model: string): Promise<KnownModel> {
  try {
    const found = await findModel(model);
    if (found.dimension > 0) return found;
    const { dimension } = (await modelOnLog(place, found.name)) ?? (await describeModel(model, place.modelEnvironment));
    return { ...found, dimension };
  } catch (error) {
    const known = error instanceof UsageError ? await modelOnLog(place, model) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

/** Name and dimension as the first live embedding of the topic has them; undefined: there is none. */
export async function modelOnLog({ log, codec, topics }: Place, model: string): Promise<KnownModel | undefined> {
  // A path is no topic's name.
  if (!/^[A-Za-z0-9._-]+$/.test(model)) return undefined;
  const topic = topics.embeddings(model);
  if ((await findTopic(log, topic)) === undefined) return undefined;
  for await (const records of readTopic(log, topic))
    for (const { value } of records) {
      if (value === null) continue;
      const { model: name, dimension } = codec.decodeEmbedding(value);
      return { name, dimension };
    }
  return undefined;
}
