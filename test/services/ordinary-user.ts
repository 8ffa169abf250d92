import { chownSync } from 'node:fs';
import { onPath } from './java.ts';

/** `nobody`, which every system has. */
const NOBODY = 65_534;

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** What is missing to run a server that refuses root; undefined where nothing is. */
export function missingForOrdinaryUser(): string | undefined {
  if (!isRoot() || onPath('setpriv') !== undefined) return undefined;
  return 'no setpriv, and the server refuses root: install util-linux, or run the tests as another user';
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The command for a server that refuses root: as `nobody` where we are root, otherwise as it is. It may still pass
 * through root's folders, where a checkout or a temporary folder can be.
 */
export function asOrdinaryUser({ command, args }: Command): Command {
  if (!isRoot()) return { command, args };
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  // The bit is for access(2), which otherwise asks as if without capabilities.
  const passage = ['--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return { command: onPath('setpriv') ?? 'setpriv', args: [...user, ...passage, '--', command, ...args] };
}

/** Gives a folder to the user that `asOrdinaryUser` runs as. */
export function giveToOrdinaryUser(folder: string): void {
  if (isRoot()) chownSync(folder, NOBODY, NOBODY);
}
