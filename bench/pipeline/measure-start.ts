/** What a user waits for: the first run after `npm ci`, and `--help`. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Figure } from './figures.ts';
import { run } from './measured-command.ts';
import type { Workplace } from './workplace.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const HELP_RUNS = 5;

/** The machine's own environment, without the Node that `npm run` puts in front. */
function outsideEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(own), PATH: folders.join(delimiter), ONNXRUNTIME_NODE_INSTALL: 'skip' };
}

/** `npm ci`, then `npm start`, in a copy of the repository's files; only the second is timed. Then `--help`. */
export async function measureStart(workplace: Workplace): Promise<Figure[]> {
  const copy = workplace.fresh('start');
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0')) {
    if (file === '' || !existsSync(join(REPOSITORY, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(copy, file));
  }
  const environment = outsideEnvironment();
  await run('npm', ['ci', '--no-audit', '--no-fund'], copy, environment);
  const { wallSeconds } = await run('npm', ['start'], copy, environment);
  await run('npm', ['run', 'build'], copy, environment);
  const bundled = join(copy, 'node_modules/.bin/node');
  return [
    { name: 'npm start, from the end of npm ci to the report', value: wallSeconds, unit: 's', atMost: 40 },
    await measureHelp(bundled, `--help, ${await version(bundled)}`, copy, environment),
    await measureHelp('node', `--help, the system's ${await version('node')}`, copy, environment),
  ];

  async function version(node: string): Promise<string> {
    return `Node ${(await run(node, ['--version'], copy, environment)).stdout.trim()}`;
  }
}

async function measureHelp(
  node: string,
  name: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Figure> {
  const times: number[] = [];
  for (let i = 0; i < HELP_RUNS; i++) {
    times.push((await run(node, ['bin/embedstream.js', '--help'], folder, environment)).wallSeconds * 1000);
  }
  return { name, value: median(times), unit: 'ms', atMost: 300 };
}
