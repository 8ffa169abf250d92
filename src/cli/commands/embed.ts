import type { CommandBody } from '../command.ts';
import type { embedFlags } from '../definitions/embed.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof embedFlags> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"embed" is not there yet.'));
