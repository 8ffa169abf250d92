import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../', import.meta.url));
const cruiser = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const config = join(repository, '.dependency-cruiser.cjs');

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** `rule: from -> to`, sorted, of everything under `src/` of a folder. */
function violations(folder: string): string[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [cruiser, 'src', '--config', config, '--output-type', 'json'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );
  if (stdout === '') throw new Error(stderr);
  const { summary } = JSON.parse(stdout) as { summary: { totalCruised: number; violations: Violation[] } };
  if (summary.totalCruised < 2) throw new Error('dependency-cruiser has read nothing');
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}

describe('the layers of src/', () => {
  it('import downwards only, without cycles', () => {
    expect(violations(repository)).toEqual([]);
  });
});

describe('the rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'embedstream-layers-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function write(path: string, ...imports: string[]): void {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), imports.map((to) => `import type {} from '${to}';\n`).join('') + 'export {};\n');
  }

  it('find what is wrong, types included, and nothing else', () => {
    writeFileSync(
      join(folder, 'tsconfig.json'),
      '{"compilerOptions": {"module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true}}',
    );
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    write('src/errors.ts');
    write('src/record/types.ts', '../errors.ts', '../log/kafka.ts');
    write('src/log/port.ts', '../record/types.ts', './kafka.ts');
    write('src/log/kafka.ts', '../models/local.ts');
    write('src/models/local.ts');
    write('src/ledger/ledger.ts', '../log/kafka.ts', '../sinks/sink.ts');
    write('src/sinks/sink.ts', '../log/kafka.ts', '../telemetry/log.ts', '../producers/csv.ts');
    write('src/producers/csv.ts', '../ledger/ledger.ts', '../cli/main.ts');
    write('src/telemetry/log.ts', '../log/kafka.ts');
    write('src/operations/status.ts', '../sinks/sink.ts', '../index.ts');
    write('src/cli/main.ts', '../operations/status.ts', '../log/kafka.ts', './nowhere.ts');
    write('src/index.ts', '../test/fixture.ts', './models/local.ts');
    write('src/ledger/cycle-a.ts', './cycle-b.ts');
    write('src/ledger/cycle-b.ts', './cycle-a.ts');
    write('src/other/new.ts', '../errors.ts');
    write('test/fixture.ts');
    const found = violations(folder).filter((line) => !line.startsWith('no-cycles') && !line.startsWith('declared'));
    expect(found).toEqual([
      'every-layer-has-rules: src/other/new.ts -> src/errors.ts',
      'layer-ledger: src/ledger/ledger.ts -> src/sinks/sink.ts',
      'layer-log: src/log/kafka.ts -> src/models/local.ts',
      'layer-operations: src/operations/status.ts -> src/index.ts',
      'layer-producers: src/producers/csv.ts -> src/cli/main.ts',
      'layer-record: src/record/types.ts -> src/log/kafka.ts',
      'layer-sinks: src/sinks/sink.ts -> src/producers/csv.ts',
      'layer-telemetry: src/telemetry/log.ts -> src/log/kafka.ts',
      'ports-stand-alone: src/log/port.ts -> src/log/kafka.ts',
      'resolvable: src/cli/main.ts -> ./nowhere.ts',
      'source-is-not-for-tests: src/index.ts -> test/fixture.ts',
    ]);
    expect(violations(folder)).toContain('no-cycles: src/ledger/cycle-a.ts -> src/ledger/cycle-b.ts');
  });
});
