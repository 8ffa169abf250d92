import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const PROBE = fileURLToPath(new URL('./probe-fixture.ts', import.meta.url));
/** No user's: root may read everything, so that as root the probe runs as this one. */
const NOBODY = 65_534;

it('files and folders that may not be read are dead letters that name them, and keep anything from being pruned', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unreadable-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const docs = join(folder, 'docs');
  mkdirSync(join(docs, 'closed'), { recursive: true });
  writeFileSync(join(docs, 'a.jsonl'), '{"id":"a","text":"words"}');
  writeFileSync(join(docs, 'b.jsonl'), '{"id":"b","text":"words"}');
  writeFileSync(join(docs, 'closed', 'c.jsonl'), '{"id":"c","text":"words"}');
  writeFileSync(join(docs, 'd.jsonl'), '{"id":"d","text":"words"}');
  chmodSync(join(docs, 'b.jsonl'), 0);
  chmodSync(join(docs, 'closed'), 0);
  chmodSync(folder, 0o755);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(docs, NOBODY, NOBODY);
  const as = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', PROBE, docs], {
    ...as,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (!isRoot) chmodSync(join(docs, 'closed'), 0o755);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    items: ['a', 'FILE_UNREADABLE b.jsonl', 'FILE_UNREADABLE closed', 'd'],
    isPartial: true,
    files: { read: { jsonl: 2 } },
  });
});
