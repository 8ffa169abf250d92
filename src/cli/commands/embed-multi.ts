import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { topicSegment } from '../../log/topics.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import type { CommandBody, Output } from '../command.ts';
import type { embedMultiFlags } from '../definitions/old-commands.ts';
import { outputFlags } from '../definitions/sink.ts';
import { placeFiles } from '../stages/place-files.ts';
import { run as embed } from './embed.ts';

const HASH_DIGITS = 8;

/** `embed --sink=npy-single`, with the files where they have always been. */
export const run: CommandBody<typeof embedMultiFlags> = async (context) => {
  const { inputFile, outputDir, maxWorkers, batchSize, checkpointInterval, ...options } = context.options;
  if (batchSize !== undefined) context.log.info('--batch-size is not needed: batches are chosen by length.');
  if (checkpointInterval !== undefined) context.log.info('--checkpoint-interval is not needed: every batch is kept.');
  if (/^s3:/i.test(outputDir))
    throw new UsageError('--output-dir is a folder; "embed --sink=npy-single" writes to buckets.');
  const input = inputName(inputFile);
  // What the files hold are the rows of this input, and no others that the log may have.
  const namespace = topicSegment(`${options.namespace}.embed-multi.${input}`);
  const out = join(resolve(outputDir), '.embed-multi', input);
  let printed: Parameters<Output['result']> | undefined;
  const output: Output = {
    isJson: context.output.isJson,
    result: (...result) => {
      printed = result;
    },
  };
  const isWhole = options.limit === undefined;
  const exitCode = await embed({
    ...context,
    output,
    options: {
      ...{ ...options, namespace, source: inputFile, out, sink: ['npy-single'], snapshot: false },
      // A row that is no longer in the input is not in the files either.
      ...(isWhole && { prune: true, yes: true }),
      ...(maxWorkers !== undefined && { workers: maxWorkers }),
      shardRows: outputFlags.shardRows.default,
    },
  });
  const files: string[] = [];
  for (const model of options.model) {
    const { name } = await findModel(model);
    files.push(...(await placeFiles(join(out, 'npy-single', name), resolve(outputDir), name)));
  }
  if (printed === undefined) return exitCode;
  const [json, human] = printed;
  context.output.result({ ...(json as object), files }, () =>
    [human(), ...files.map((file) => `Wrote ${file}`)].join('\n'),
  );
  return exitCode;
};

/** By which the log tells inputs apart: another file of the same name is another input. */
function inputName(files: readonly string[]): string {
  const paths = files.map((file) => (/^[a-z]+:/i.test(file) ? file : resolve(file)));
  const digits = createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, HASH_DIGITS);
  return `${topicSegment(basename(files[0] ?? '').slice(0, 40))}-${digits}`;
}
