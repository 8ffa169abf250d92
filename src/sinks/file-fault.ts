import { fatalError, messageOf, PipelineError } from '../errors.ts';

/** A file system error as one of ours: FILE_SINK_DISK_FULL, FILE_SINK_NO_PERMISSION, FILE_SINK_IO. */
export function fileFault(doing: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  const code = errnoOf(error);
  const detail = `${doing} failed: ${messageOf(error)}.`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const advice = 'Nothing was published or committed; free space and start again.';
    return fatalError('FILE_SINK_DISK_FULL', `The disk is full: ${detail} ${advice}`, error);
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return fatalError('FILE_SINK_NO_PERMISSION', `${detail} Check who may write there.`, error);
  }
  return fatalError('FILE_SINK_IO', detail, error);
}

export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Runs `action` and turns what it throws into one of ours. */
export async function withFileFaults<T>(doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw fileFault(doing, error);
  }
}
