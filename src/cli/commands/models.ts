import type { CommandBody } from '../command.ts';
import type { modelsFlags, modelsPositionals } from '../definitions/operate.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof modelsFlags, typeof modelsPositionals> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"models" is not there yet.'));
