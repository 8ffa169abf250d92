import { resolve } from 'node:path';
import type { StoreOptions } from '../../sinks/stores/port.ts';
import { singleFileNames } from '../../sinks/single/single-names.ts';
import { storeSinkNames } from '../../sinks/stores/store-names.ts';
import type { Workspace } from '../wiring.ts';
import { isFileFormat } from './output-stage.ts';
import { isSingleFile } from './single-file-stage.ts';
import { inFolder, sinkIdentity, type SinkContext } from './sink-stage.ts';

export interface OutputPlace {
  readonly format: string;
  /** As topics carry it. */
  readonly model: string;
  readonly sinkName?: string;
}

/**
 * The topic that an output of any sort keeps its position's state in, as `sink` with the same flags names it. Nothing
 * is asked of a store.
 *
 * @throws UsageError where flags don't say which store.
 */
export async function shardsTopicOf(
  { topics }: Pick<Workspace, 'topics'>,
  options: StoreOptions & Pick<SinkContext['options'], 'out' | 'dtype'>,
  { format, model, sinkName }: OutputPlace,
): Promise<string> {
  const named = { format, model, ...(sinkName !== undefined && { sinkName }) };
  if (isFileFormat(format)) {
    const identity = sinkIdentity({ topics }, { options }, { ...named, format }, model);
    return topics.shards(identity.sinkName ?? '');
  }
  if (isSingleFile(format)) {
    const out = resolve(options.out);
    return topics.shards(sinkName ?? inFolder(singleFileNames({ form: format, model, out, topics }).sinkName, out));
  }
  const { loadAdapter } = await import('./open-store.ts');
  const location = (await loadAdapter(format)).locate(options, process.env, model);
  return storeSinkNames({ ...named, adapter: format, location }, topics).shardsTopic;
}
