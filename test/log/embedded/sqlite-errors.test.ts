import { describe, expect, it } from 'vitest';
import { fatalError } from '../../../src/errors.ts';
import { asLogError } from '../../../src/log/embedded/sqlite-errors.ts';

describe('asLogError', () => {
  it.each([
    ['SQLITE_BUSY', 5, 'LOG_BUSY', true],
    ['SQLITE_BUSY_SNAPSHOT', 517, 'LOG_BUSY', true],
    ['SQLITE_FULL', 13, 'LOG_DISK_FULL', false],
    ['SQLITE_IOERR_WRITE', 778, 'LOG_DISK_FULL', false],
    ['SQLITE_IOERR_FSYNC', 1034, 'LOG_DISK_FULL', false],
    ['SQLITE_IOERR_SHMSIZE', 4874, 'LOG_DISK_FULL', false],
    ['SQLITE_IOERR_READ', 266, 'LOG_UNREADABLE', false],
    ['SQLITE_CORRUPT', 11, 'LOG_UNREADABLE', false],
    ['SQLITE_NOTADB', 26, 'LOG_UNREADABLE', false],
    ['SQLITE_CANTOPEN', 14, 'LOG_UNREADABLE', false],
  ])('puts %s (%i) as %s', (_, errcode, code, retriable) => {
    const cause = Object.assign(new Error('of SQLite'), { errcode });
    const error = asLogError(cause, '/data/log.db');
    expect(error).toMatchObject({ code, retriable, poison: false, cause });
    expect(error.message).toContain('/data/log.db');
    expect(error.message).toContain('of SQLite');
  });

  it('leaves our own errors as they are', () => {
    const error = fatalError('LOG_FENCED', 'fenced');
    expect(asLogError(error, '/data/log.db')).toBe(error);
  });
});
