import { setTimeout as wait } from 'node:timers/promises';
import { UsageError } from '../../errors.ts';
import { readStatus, StatusWatch, type StatusOptions } from '../../operations/status.ts';
import type { CommandBody, CommandContext } from '../command.ts';
import type { statusFlags } from '../definitions/operate.ts';
import { formatStatus } from '../stages/status-text.ts';
import { watched, withWorkspace } from '../wiring.ts';

const CLEAR_SCREEN = '\u001b[H\u001b[2J';

export const run: CommandBody<typeof statusFlags> = async (context) => {
  const { options, signal, output } = context;
  if (options.watch && output.isJson) throw new UsageError('--watch is for the eye: leave it out with --json.');
  await withWorkspace(watched(context), async (workspace) => {
    const status = { ...workspace, signal };
    if (options.watch) await watchStatus(status, context);
    else {
      const result = await readStatus(status, options.interval * 1000);
      output.result(result, () => formatStatus(result));
    }
  });
  return 0;
};

/** Draws until Ctrl-C; where there is no terminal, one below the other. */
async function watchStatus(
  status: StatusOptions,
  { options, signal, output }: Pick<CommandContext<typeof statusFlags>, 'options' | 'signal' | 'output'>,
): Promise<void> {
  const watch = new StatusWatch(status);
  const clear = process.stdout.isTTY ? CLEAR_SCREEN : '';
  while (!signal.aborted) {
    const look = await watch.look();
    output.result(look, () => `${clear}${formatStatus(look)}\n`);
    await wait(options.interval * 1000, undefined, { signal });
  }
}
