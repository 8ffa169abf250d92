import type { CommandBody } from '../command.ts';
import type { sinkFlags, sinkPositionals } from '../definitions/sink.ts';
import { fatalError } from '../../errors.ts';

export const run: CommandBody<typeof sinkFlags, typeof sinkPositionals> = () =>
  Promise.reject(fatalError('NOT_IMPLEMENTED', '"sink" is not there yet.'));
