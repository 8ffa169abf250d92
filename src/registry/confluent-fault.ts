import { messageOf, PipelineError } from '../errors.ts';
import {
  notARegistry,
  registryNotAuthorized,
  registryRefused,
  registryUnreachable,
  schemaConflict,
} from './registry-errors.ts';

/** How the client names us; its errors begin with it. */
export const CLIENT_ID = 'embedstream';
const PREFIX = `${CLIENT_ID} - `;
/** How they go on where the answer was no JSON object with a message. */
const UNWORDED = /^Error, status \d*:? ?(?:\[object Object\])?/;
const MAX_REASON_CHARS = 300;

/** What went wrong in a request, or undefined: the registry itself says that there is no such thing. */
export function faultOf(where: string, what: string, error: unknown): PipelineError | undefined {
  if (error instanceof PipelineError) return error;
  const { status, reason, worded } = describe(error);
  if (status === 404) return worded ? undefined : notARegistry(where, what, `404 ${reason}`, error);
  if (status === 401 || status === 403) return registryNotAuthorized(where, what, status, error);
  if (status === 409) return schemaConflict(where, what, reason, error);
  // The client reports a connection that failed as a 400 whose text is Node's error: unlike a registry's, not JSON.
  const refused = status >= 400 && status < 500 && status !== 408 && status !== 429 && (worded || status !== 400);
  if (refused) return registryRefused(where, what, `${status} ${reason}`, error);
  return registryUnreachable(where, what, status > 400 ? `${status} ${reason}` : reason, error);
}

function describe(error: unknown): { readonly status: number; readonly reason: string; readonly worded: boolean } {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
  const text = messageOf(error).replace(PREFIX, '');
  const reason = text.replace(UNWORDED, '').replace(/\s+/g, ' ').slice(0, MAX_REASON_CHARS);
  return { status, reason: reason === '' ? 'no reason given' : reason, worded: !UNWORDED.test(text) };
}
