import type { CommandBody } from '../command.ts';
import type { statusFlags } from '../definitions/operate.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof statusFlags> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"status" is not there yet.'));
