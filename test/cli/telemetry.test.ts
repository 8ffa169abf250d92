import { describe, expect, it } from 'vitest';
import { createTelemetry, progressMode } from '../../src/cli/telemetry.ts';
import type { GlobalOptions } from '../../src/cli/command.ts';

const options: GlobalOptions = {
  dataDir: '.embedstream',
  namespace: 'embedstream',
  json: false,
  quiet: false,
  logLevel: 'info',
  help: false,
  version: false,
  tls: false,
  sessionTimeout: 15,
  transactionTimeout: 45,
  modelsDir: 'models',
};
const write = (): boolean => true;

describe('progressMode', () => {
  it.each([
    ['bars on a terminal', {}, {}, true, 'bars'],
    ['lines elsewhere', {}, {}, false, 'lines'],
    ['lines on a terminal that can not redraw', {}, { TERM: 'dumb' }, true, 'lines'],
    ['nothing in CI', {}, { CI: 'true' }, true, 'none'],
    ['bars where CI says no', {}, { CI: 'false' }, true, 'bars'],
    ['nothing with --json', { json: true }, {}, true, 'none'],
    ['nothing with --quiet', { quiet: true }, {}, false, 'none'],
  ] as const)('%s', (_, more, environment, isTTY, mode) => {
    expect(progressMode({ ...options, ...more }, { environment, stderr: { write, isTTY } })).toBe(mode);
  });
});

describe('createTelemetry', () => {
  it.each([
    ['info by default', {}, ['i', 'w']],
    ['warnings with --quiet', { quiet: true }, ['w']],
    ['all that is asked for, --quiet or not', { quiet: true, logLevel: 'debug' }, ['d', 'i', 'w']],
    ['errors only with --log-level=error', { logLevel: 'error' }, []],
  ] as const)('logs %s', (_, more, expected) => {
    let text = '';
    const telemetry = createTelemetry(
      { ...options, ...more },
      { environment: {}, stderr: { write: (chunk: string) => (text += chunk) } },
    );
    telemetry.log.debug('d');
    telemetry.log.info('i');
    telemetry.log.warn('w');
    telemetry.say('said');
    expect(text.split('\n').map((line) => line.replace(/^\w+: /, ''))).toEqual([...expected, 'said', '']);
  });
});
