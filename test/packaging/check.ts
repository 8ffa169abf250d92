/**
 * Packs the tarball, installs it into an empty folder with the machine's own Node and npm, and uses it from there.
 * Slow (it downloads what the package depends on), so it is a script of its own: `npm run test:packaging`.
 */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'embedstream-package-'));
const app = join(work, 'app');

/** The machine's PATH, without the Node that `npm run` puts in front of it. */
const outsidePath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
  .join(delimiter);

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

function run(command: string, args: readonly string[], folder: string): Ran {
  const startMs = performance.now();
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    // onnxruntime-node's install script downloads CUDA libraries where it sees nvcc, which fails without the internet.
    env: { ...environment, PATH: outsidePath, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, stdout, stderr, elapsedMs: performance.now() - startMs };
}

function mustRun(command: string, args: readonly string[], folder: string): Ran {
  const ran = run(command, args, folder);
  assert.equal(ran.status, 0, `${command} ${args.join(' ')} exits ${ran.status}:\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}

function passed(what: string): void {
  console.log(`ok: ${what}`);
}

function pack(): string {
  interface Packed {
    readonly filename: string;
    readonly size: number;
    readonly files: readonly { readonly path: string }[];
  }
  mustRun('npm', ['run', 'build'], repository);
  const { stdout } = mustRun('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], repository);
  const json = JSON.parse(stdout) as readonly Packed[] | Readonly<Record<string, Packed>>;
  const packed = Object.values(json)[0];
  assert.ok(packed !== undefined, 'npm pack lists what it packed');
  const paths = new Set(packed.files.map(({ path }) => path));
  const needed = [
    ...['bin/embedstream.js', 'dist/cli/main.js', 'dist/index.js', 'dist/index.d.ts', 'schemas/Embedding.avsc'],
    ...[
      'models/all-MiniLM-L6-v2/onnx/model.onnx',
      'cmaps/90ms-RKSJ-H.bcmap',
      'cmaps/LICENSE',
      'LICENSE',
      'NOTICE',
      'README.md',
      'package.json',
    ],
  ];
  for (const path of needed) assert.ok(paths.has(path), `the tarball holds ${path}`);
  const stray = [...paths].filter((path) => /^(test|bench|data|coverage|scripts|src)\/|^\./.test(path));
  assert.deepEqual(stray, [], 'the tarball holds nothing but what is needed');
  passed(`packed ${paths.size} files, ${(packed.size / 1e6).toFixed(1)} MB`);
  return join(work, packed.filename);
}

function install(tarball: string): void {
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  mustRun('npm', ['install', '--no-audit', '--no-fund', tarball], app);
  passed(`installed by Node ${run('node', ['--version'], app).stdout.trim()}`);
}

function checkCommands(): void {
  const version = mustRun('npx', ['--no-install', 'embedstream', '--version'], app);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const help = mustRun(join(app, 'node_modules/.bin/embedstream'), ['--help'], app);
  assert.match(help.stdout, /Usage: npx embedstream/);
  assert.equal(help.stderr, '', 'no warning of Node');
  passed(`embedstream --help in ${help.elapsedMs.toFixed(0)} ms`);
  const unknown = run('npx', ['--no-install', 'embedstream', 'prodcue'], app);
  assert.equal(unknown.status, 2, 'the exit code comes through');
  assert.match(unknown.stderr, /did you mean produce\?/);
  const status = run('npx', ['--no-install', 'embedstream', 'status'], app);
  assert.doesNotMatch(status.stderr, /ExperimentalWarning/);
  passed('npx embedstream');
}

function checkImport(): void {
  const node = join(app, 'node_modules/node/bin/node');
  const script = "const m = await import('embedstream'); console.log(Object.keys(m).length);";
  const { stdout, stderr } = mustRun(node, ['--input-type=module', '-e', script], app);
  assert.ok(Number(stdout) > 0, 'the package exports something');
  assert.equal(stderr, '', 'importing it prints nothing');
  writeFileSync(
    join(app, 'consumer.ts'),
    [
      "import * as embedstream from 'embedstream';",
      // An export whose declaration could not be found would be `any`.
      'type IsAny<T> = 0 extends 1 & T ? true : false;',
      'type Exports = typeof embedstream;',
      'type Lost = { [K in keyof Exports]: IsAny<Exports[K]> extends true ? K : never }[keyof Exports];',
      'export const nothingIsLost: [Lost] extends [never] ? true : false = true;',
    ].join('\n'),
  );
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2024',
    skipLibCheck: true,
    types: [],
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  mustRun(node, [tsc, '-p', 'tsconfig.json'], app);
  passed("import from 'embedstream', with types");
}

/** The README's program as it stands there, by the machine's own Node and by ours, and the file it wrote by a command. */
function checkReadmeProgram(): void {
  const program = /```ts\n([^]*?)```/.exec(readFileSync(join(repository, 'README.md'), 'utf8'))?.[1];
  assert.ok(program !== undefined, 'the README has a program');
  writeFileSync(join(app, 'program.mjs'), program);
  for (const node of ['node', join(app, 'node_modules/node/bin/node')]) {
    const { stdout } = mustRun(node, ['program.mjs'], app);
    assert.match(stdout, /\n1 384\n$/, 'it reads back what it wrote');
    passed(`the README's program on Node ${run(node, ['--version'], app).stdout.trim()}`);
  }
}

/** From a CSV to vectors and back, by the installed command. */
function checkPipeline(): void {
  writeFileSync(join(app, 'objects.csv'), 'id,title\n1,A bronze vessel with a dragon\n2,A portrait of a woman\n');
  mustRun('npx', ['--no-install', 'embedstream', 'embed', '--source=objects.csv'], app);
  const found = mustRun('npx', ['--no-install', 'embedstream', 'search', 'a painting', '--json', '--limit=1'], app);
  const { matches } = JSON.parse(found.stdout) as { readonly matches: readonly { readonly id: string }[] };
  assert.deepEqual(
    matches.map(({ id }) => id),
    ['2'],
  );
  mustRun('npx', ['--no-install', 'embedstream', 'reconcile'], app);
  passed('npx embedstream embed, search, reconcile');
}

try {
  install(pack());
  checkCommands();
  checkImport();
  checkReadmeProgram();
  checkPipeline();
} finally {
  rmSync(work, { recursive: true, force: true });
}
