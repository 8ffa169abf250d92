import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { definePositionals, describeCommand, withBody } from '../../src/cli/command.ts';
import type { Command } from '../../src/cli/command.ts';
import { resolveConfig } from '../../src/cli/config.ts';
import { defineFlags } from '../../src/cli/flags.ts';
import { globalFlags } from '../../src/cli/definitions/global.ts';
import { count } from '../../src/cli/definitions/schemas.ts';

const flags = defineFlags({
  source: { type: 'list', required: true, description: 'd', placeholder: 'FILE' },
  limit: { type: 'number', schema: count, description: 'd', default: 5 },
  prune: { type: 'boolean', description: 'd' },
  apiKey: { type: 'string', secret: true, env: ['PROVIDER_KEY'], description: 'd', choices: ['right'] },
});
const load = () => Promise.resolve({ run: () => Promise.resolve(0 as const) });
const make = withBody(describeCommand({ name: 'make', summary: 's', examples: [], flags }), load);
const take = withBody(
  describeCommand({
    name: 'take',
    summary: 's',
    examples: [],
    flags: defineFlags({ top: { type: 'number', description: 'd' } }),
    positionals: definePositionals({
      action: { type: 'string', choices: ['list', 'show'], default: 'list', description: 'd' },
      words: { type: 'string', rest: true, required: true, description: 'What to look for' },
    }),
  }),
  load,
);
const commands = [make, take];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedstream-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function resolve(command: Command, argv: string[], environment: Record<string, string> = {}) {
  const parsed = parseArguments(argv, { ...globalFlags, ...command.flags }, (name) => (name === 'top' ? ['take'] : []));
  return resolveConfig(command, commands, globalFlags, { parsed, environment, folder });
}
function writeConfig(json: unknown, name = 'embedstream.config.json') {
  writeFileSync(join(folder, name), typeof json === 'string' ? json : JSON.stringify(json));
}
const texts = (resolved: ReturnType<typeof resolve>) =>
  resolved.faults.map(({ where, problem, mend }) => [where, problem, mend].join(' | '));

describe('resolveConfig', () => {
  it('reads every way of writing a flag', () => {
    const resolved = resolve(make, ['--source=a,b', '--source', 'c', '--limit', '7', '--prune', '--no-prune', '-q']);
    expect(resolved.faults).toEqual([]);
    expect(resolved.options).toMatchObject({
      source: ['a', 'b', 'c'],
      limit: 7,
      prune: false,
      quiet: true,
      dataDir: '.embedstream',
    });
    expect(resolved.options).not.toHaveProperty('apiKey');
  });

  it('puts flags before the environment, that before the file, that before defaults, and says which', () => {
    writeConfig({
      limit: 1,
      source: 'file.csv',
      dataDir: '/top',
      make: { dataDir: '/section', prune: true },
      take: { top: 3 },
    });
    const resolved = resolve(make, ['--limit=9'], {
      EMBEDSTREAM_LIMIT: '8',
      EMBEDSTREAM_SOURCE: 'env.csv',
      EMBEDSTREAM_PRUNE: '',
    });
    expect(resolved.faults).toEqual([]);
    expect(resolved.options).toMatchObject({ limit: 9, source: ['env.csv'], dataDir: '/section', prune: true });
    expect(Object.fromEntries(resolved.origins)).toMatchObject({
      limit: '--limit',
      source: 'EMBEDSTREAM_SOURCE',
      dataDir: 'embedstream.config.json: make.dataDir',
      namespace: 'default',
    });
  });

  it('lists all faults of all places together', () => {
    writeConfig({ limt: 1, make: { top: 1 }, prune: 'yes' });
    const resolved = resolve(make, ['--suorce=a', '--limit=0', '--top=3', '--config'], { EMBEDSTREAM_JSON: 'maybe' });
    expect(texts(resolved).sort()).toEqual(
      [
        '--suorce | is not a flag | did you mean --source?',
        '--top | is not a flag of this command | it belongs to take',
        '--config | needs a value | write --config=FILE',
        'EMBEDSTREAM_JSON | must be true or false, not "maybe" | ',
        'embedstream.config.json: limt | is no key | did you mean limit?',
        'embedstream.config.json: make.top | is no key | keys are the flags in camelCase, and command names',
        'embedstream.config.json: prune | must be true or false, not "yes" | ',
        '--source | is missing | write --source=FILE',
        '--limit | must be at least 1 (it is 0) | ',
      ].sort(),
    );
  });

  it('takes a flag for a missing value, not for the value', () => {
    expect(texts(resolve(make, ['--source', '--prune']))[0]).toBe(
      '--source | needs a value, but is followed by --prune | write --source=FILE',
    );
  });

  it('reads further environment names, and never prints a secret', () => {
    expect(resolve(make, ['--source=a'], { PROVIDER_KEY: 'right' }).options).toMatchObject({ apiKey: 'right' });
    const wrong = resolve(make, ['--source=a'], { PROVIDER_KEY: 'hunter2' });
    expect(wrong.faults).toHaveLength(1);
    expect(JSON.stringify(wrong.faults)).not.toContain('hunter2');
  });

  it('warns of environment variables that nothing reads', () => {
    expect(resolve(make, ['--source=a'], { EMBEDSTREAM_DATADIR: '/x', EMBEDSTREAM_TOP: '1' }).warnings).toEqual([
      'the environment variable EMBEDSTREAM_DATADIR is read by no flag. Did you mean EMBEDSTREAM_DATA_DIR?',
    ]);
  });

  it('reads another file with --config, which must be there and be an object', () => {
    writeConfig({ limit: 2 }, 'other.json');
    expect(resolve(make, ['--source=a', '--config=other.json']).options).toMatchObject({ limit: 2 });
    expect(texts(resolve(make, ['--source=a', '--config=none.json']))[0]).toContain('there is no file');
    writeConfig('{"limit": 1,}');
    expect(texts(resolve(make, ['--source=a']))[0]).toContain('is not JSON');
    writeConfig([]);
    expect(texts(resolve(make, ['--source=a']))[0]).toContain('must hold one JSON object');
  });

  it('fills positionals in order, the rest as one query', () => {
    expect(resolve(take, ['show', 'bronze', 'vessel']).args).toEqual({ action: 'show', words: 'bronze vessel' });
    expect(texts(resolve(take, ['lst']))).toEqual([
      `ACTION | can't be "lst"; it is one of list, show. Did you mean list? | `,
      'WORDS… | is missing | What to look for',
    ]);
    expect(texts(resolve(make, ['--source=a', 'b.csv']))[0]).toContain('b.csv | is one argument too many');
  });
});
