import { fatalError, messageOf, PipelineError } from '../../errors.ts';

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
/** Result codes of I/O errors that come from reading; the others come from writing, mapping or syncing. */
const READ_FAULTS = new Set([
  266, // SQLITE_IOERR_READ
  522, // SQLITE_IOERR_SHORT_READ
  8458, // SQLITE_IOERR_CORRUPTFS
]);

/** A failure of SQLite in the port's terms. Source of the codes: https://sqlite.org/rescode.html */
export function asLogError(error: unknown, path: string): PipelineError {
  if (error instanceof PipelineError) return error;
  const code = resultCode(error);
  const primary = code & 0xff;
  const reason = messageOf(error);
  if (primary === SQLITE_BUSY || primary === SQLITE_LOCKED) {
    const message = `${path} has been locked by other processes for too long (${reason}).`;
    return new PipelineError('LOG_BUSY', message, { retriable: true, cause: error });
  }
  if (primary === SQLITE_FULL || (primary === SQLITE_IOERR && !READ_FAULTS.has(code))) {
    return fatalError(
      'LOG_DISK_FULL',
      `Nothing more can be written to ${path} (${reason}). What was acknowledged is kept and nothing of this write was. ` +
        `Free some space, or raise the limit, and start again.`,
      error,
    );
  }
  return fatalError(
    'LOG_UNREADABLE',
    `${path} can't be read as a log (${reason}). Check the file's permissions; if it is damaged, restore it from a copy, ` +
      `or use another data folder and produce the sources again.`,
    error,
  );
}

export function isBusy(error: unknown): boolean {
  const primary = resultCode(error) & 0xff;
  return primary === SQLITE_BUSY || primary === SQLITE_LOCKED;
}

function resultCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return 0;
  return error.errcode;
}
