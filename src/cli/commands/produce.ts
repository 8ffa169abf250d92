import type { CommandBody } from '../command.ts';
import type { produceFlags } from '../definitions/produce.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof produceFlags> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"produce" is not there yet.'));
