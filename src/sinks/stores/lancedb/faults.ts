import { isS3Location } from '../../s3/address.ts';
import { fatalError, messageOf, PipelineError } from '../../../errors.ts';

/** Somebody else has committed to the table in between. */
const CONFLICT = /commit conflict|concurrent|conflicting|too many concurrent writers/i;
const DISK_FULL = /no space left|quota exceeded|os error 28\b/i;
const AWAY = /error sending request|connect|timed? ?out|dns|503|SlowDown/i;
const DENIED = /permission denied|access ?denied|forbidden|signature|InvalidAccessKeyId|credential/i;
/** Where the library's own sources are, behind what it says. */
const INNER = /,? ?\/\S*\/registry\/src\/\S*/g;

export function isConflict(error: unknown): boolean {
  return CONFLICT.test(messageOf(error));
}

export function lanceFault(doing: string, location: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  const said = messageOf(error).replaceAll(INNER, '').split('\n')[0] ?? '';
  // Each cause says what is before it once more.
  const [outer = ''] = said.split(/\s+Caused by:/);
  const detail = `${doing} ${location} failed: ${outer.slice(0, 400)}`;
  const advice = isS3Location(location) ? 'Check AWS_… variables. ' : '';
  if (DISK_FULL.test(said)) return fatalError('LANCEDB_DISK_FULL', `${detail}. Free space and start again.`, error);
  if (DENIED.test(said))
    return fatalError('LANCEDB_ACCESS_DENIED', `${detail}. Check who may write there, and AWS_… variables.`, error);
  if (AWAY.test(said))
    return new PipelineError('LANCEDB_AWAY', `${detail}. ${advice}Nothing is lost, start again.`, {
      retriable: true,
      cause: error,
    });
  return fatalError('LANCEDB_FAILED', detail, error);
}
