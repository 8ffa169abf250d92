import type { CommandBody } from '../command.ts';
import type { searchFlags, searchPositionals } from '../definitions/operate.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof searchFlags, typeof searchPositionals> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"search" is not there yet.'));
