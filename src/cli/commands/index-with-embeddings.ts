import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { modelsOnLog } from '../../operations/topic-reading.ts';
import type { CommandBody } from '../command.ts';
import type { indexFlags } from '../definitions/old-commands.ts';
import { outputFlags } from '../definitions/sink.ts';
import { watched, withWorkspace } from '../wiring.ts';
import { run as sink } from './sink.ts';

/** `sink elasticsearch` for every model on the log. */
export const run: CommandBody<typeof indexFlags> = async (context) => {
  const { options } = context;
  const model = options.model ?? (await withWorkspace(watched(context), ({ log, namespace }) => onLog(log, namespace)));
  if (model.length === 0) throw new UsageError(await nothingToIndex());
  const files = { out: outputFlags.out.default, shardRows: outputFlags.shardRows.default, snapshot: false };
  return sink({ ...context, options: { ...options, ...files, model }, args: { formats: ['elasticsearch'] } });
};

async function onLog(
  log: { topics(): Promise<Parameters<typeof modelsOnLog>[0]> },
  namespace: string,
): Promise<readonly string[]> {
  return modelsOnLog(await log.topics(), namespace);
}

/** Whoever has batches and no log has unpacked them. */
async function nothingToIndex(): Promise<string> {
  const folder = join(outputFlags.out.default, 'embeddings');
  const models = await readdir(folder).catch(() => []);
  const advice = models.map((name) => `"import ${join(folder, name)} --model=${name}"`);
  return `There is no embedding on this log: run ${advice.length > 0 ? advice.join(' and ') : '"generate-embeddings-to-file"'} first.`;
}
