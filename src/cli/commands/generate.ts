import type { CommandBody } from '../command.ts';
import type { generateToFileFlags } from '../definitions/old-commands.ts';
import { run as embed } from './embed.ts';

/** `generate` and `generate-embeddings-to-file`: `embed --sink=jsonl`. */
export const run: CommandBody<typeof generateToFileFlags> = (context) => {
  const { batchSize, resume, ...options } = context.options;
  // Who resumes wants to have what failed, too.
  const retryFailed = options.retryFailed || resume;
  return embed({
    ...context,
    options: { ...options, retryFailed, sink: ['jsonl'], shardRows: batchSize, snapshot: false },
  });
};
