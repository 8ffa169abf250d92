#!/usr/bin/env node
// The command `embedstream`. Plain JavaScript that any Node from 20 on can read: where the Node that npm or npx
// found is older than what the program needs, the one that comes with the dependency `node` takes over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const main = new URL('../dist/cli/main.js', import.meta.url);

if (!existsSync(main)) {
  console.error(
    'error: embedstream is not built here. In a clone, run "npm run COMMAND -- --flags", which needs no build, or build ' +
      'it first: npm run build',
  );
  process.exit(1);
}
if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
  hideExperimentalWarnings();
  await import(main.href);
} else {
  relaunch();
}

function relaunch() {
  const node = bundledNode();
  if (node === undefined) {
    console.error(
      `error: embedstream needs Node ${NEEDED_MAJOR} or newer. This is Node ${process.versions.node}, and the Node that ` +
        'comes with embedstream is missing: npm was told not to run install scripts.\n' +
        'Install Node from https://nodejs.org, or run: npm approve-scripts node && npm rebuild node',
    );
    process.exit(1);
  }
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`error: ${node} does not start: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Die the same death, so that a shell or supervisor sees it.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Reached only where the signal does not end a process.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1000);
  });
}

function bundledNode() {
  try {
    const packagePath = createRequire(import.meta.url).resolve('node/package.json');
    const path = join(dirname(packagePath), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What `--disable-warning=ExperimentalWarning` does, which can't be switched on from within. */
function hideExperimentalWarnings() {
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning') return;
    for (const listener of listeners) listener.call(process, warning);
  });
}
