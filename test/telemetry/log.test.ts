import { describe, expect, it } from 'vitest';
import { createLogger, silentLogger } from '../../src/telemetry/log.ts';
import type { LogLevel } from '../../src/telemetry/log.ts';
import { isSecretKey, redact, redactText } from '../../src/telemetry/redact.ts';

function capture(format: 'human' | 'json', level: LogLevel = 'debug', stacks = false) {
  const lines: string[] = [];
  return { lines, log: createLogger({ format, level, stacks, write: (line) => lines.push(line) }) };
}

describe('isSecretKey', () => {
  it.each([
    'password',
    'apiKey',
    'api_key',
    'API-KEY',
    'accessToken',
    'Authorization',
    'dbPassword',
    'private.key',
    'secret',
    'x-api-key',
  ])('%s is one', (key) => {
    expect(isSecretKey(key)).toBe(true);
  });
  it.each(['tokenCount', 'tokens', 'batchTokens', 'key', 'recordKey', 'keyboard', 'maxTokens', 'passwordless'])(
    '%s is none',
    (key) => {
      expect(isSecretKey(key)).toBe(false);
    },
  );
});

describe('redactText', () => {
  it.each([
    ['to https://user:pass@host/x?y=1', 'to https://[redacted]@host/x?y=1'],
    ['postgres://u:p@db:5432/x', 'postgres://[redacted]@db:5432/x'],
    ['GET /x?api_key=abc&page=2', 'GET /x?api_key=[redacted]&page=2'],
    ['Authorization: Bearer abc.def-123', 'Authorization: Bearer [redacted]'],
    ['mail me@example.org about topic@12', 'mail me@example.org about topic@12'],
    ['https://host/a@b', 'https://host/a@b'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });
});

describe('redact', () => {
  it('goes deep, and does not loop', () => {
    const cycle: Record<string, unknown> = { apiKey: 'abc', list: [{ password: 'p', tokenCount: 3 }] };
    cycle['self'] = cycle;
    const text = JSON.stringify(redact(cycle));
    expect(text).not.toContain('abc');
    expect(text).not.toContain('"p"');
    expect(text).toContain('"tokenCount":3');
  });

  it('keeps of an error only what is known to be harmless', () => {
    const error = Object.assign(new Error('call to https://u:pw@host failed', { cause: new Error('inner') }), {
      code: 'ECONNRESET',
      request: { headers: { cookie: 'c00kie' }, body: 'b0dy' },
    });
    const text = JSON.stringify(redact(error));
    expect(text).toContain('ECONNRESET');
    expect(text).toContain('inner');
    expect(text).not.toMatch(/c00kie|b0dy|u:pw/);
  });
});

describe('createLogger', () => {
  it('writes human lines with fields', () => {
    const { log, lines } = capture('human');
    log.info('published', { rows: 3, source: 'a' });
    log.warn('slow');
    expect(lines).toEqual(['published (rows=3, source=a)\n', 'warn: slow\n']);
  });

  it('writes JSON lines with level and time', () => {
    const { log, lines } = capture('json');
    log.child({ group: 'g' }).error('broke', { err: new Error('why'), big: 5n });
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      group: 'g',
      msg: 'broke',
      big: '5',
      err: { message: 'why' },
    });
    expect(JSON.parse(lines[0]!)).toHaveProperty('time');
  });

  it('keeps to its level', () => {
    const { log, lines } = capture('human', 'warn');
    log.debug('a');
    log.info('b');
    log.error('c');
    expect(lines).toEqual(['error: c\n']);
    silentLogger.child({}).error('nothing happens');
  });

  it('shows stacks only when asked', () => {
    const error = new Error('why');
    const short = capture('human');
    short.log.error('broke', { err: error });
    expect(short.lines).toEqual(['error: broke: why\n']);
    const long = capture('human', 'debug', true);
    long.log.error('broke', { err: error });
    expect(long.lines[0]).toContain('log.test.ts');
  });

  it.each(['human', 'json'] as const)('lets no secret through (%s)', (format) => {
    const { log, lines } = capture(format, 'debug', true);
    const child = log.child({ password: 'S3CRET', url: 'https://u:S3CRET@h' });
    child.info('calling https://u:S3CRET@h', {
      apiKey: 'S3CRET',
      nested: { token: 'S3CRET' },
      map: new Map([['secret', 'S3CRET']]),
    });
    child.error('failed', {
      err: Object.assign(new Error('https://u:S3CRET@h'), { headers: { authorization: 'S3CRET' } }),
    });
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain('S3CRET');
  });
});
