import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../services/lock.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const INSTALL_TIMEOUT_MS = 200_000;

/** The interpreter of the tests' own virtual environment, or why there is none. */
export type PythonEnvironment = { readonly python: string } | { readonly missing: string };

/**
 * Makes `.cache/python` once, from `requirements.txt` (`.cache/python-x` from `requirements-x.txt`). Where it can't (no
 * python3, no network) tests skip, loudly;
 * with REQUIRE_INTEGRATION=1 they fail instead.
 */
export async function pythonEnvironment(requirements = 'requirements.txt'): Promise<PythonEnvironment> {
  const folder = join(ROOT, '.cache', requirements.replace('requirements', 'python').replace('.txt', ''));
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  // Test files that run at the same time would make it over one another.
  return withLock(`${folder}.lock`, () => madeIn(folder, python, join(import.meta.dirname, requirements)));
}

async function madeIn(folder: string, python: string, requirements: string): Promise<PythonEnvironment> {
  const stamp = join(folder, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { python };
  try {
    rmSync(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      timeout: INSTALL_TIMEOUT_MS,
    });
    writeFileSync(stamp, wanted);
    return { python };
  } catch (error) {
    const missing = `No Python with ${wanted.trim().replaceAll('\n', ', ')}: ${String(error).slice(0, 500)}`;
    if (process.env['REQUIRE_INTEGRATION'] === '1') throw new Error(missing, { cause: error });
    console.warn(`\n*** SKIPPED: what we write was NOT read by programs in Python. ***\n*** ${missing} ***\n`);
    return { missing };
  }
}

/** Runs a script of this folder, which answers with JSON on its last line. */
export async function runPython(python: string, script: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(python, [join(import.meta.dirname, script), ...args], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}
