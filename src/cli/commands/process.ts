import type { CommandBody } from '../command.ts';
import type { processFlags } from '../definitions/process.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof processFlags> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"process" is not there yet.'));
