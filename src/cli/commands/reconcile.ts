import type { CommandBody } from '../command.ts';
import type { reconcileFlags } from '../definitions/operate.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof reconcileFlags> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"reconcile" is not there yet.'));
