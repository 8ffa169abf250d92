import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describeOutputContract } from '../contracts/store.ts';

interface Line {
  readonly object_id: number | string;
  readonly embedding: readonly number[];
}

interface Key {
  readonly id: string;
  readonly offset: number;
}

function linesOf<Each>(folder: string, name: string): Each[] {
  const bytes = readFileSync(join(folder, name));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Each);
}

/** What batches add up to: of each id the line with the latest offset, if it was not deleted later. */
function latestLines(folder: string): Map<string, readonly number[]> {
  const latest = new Map<string, { offset: number; vector?: readonly number[] }>();
  const put = (id: string, offset: number, vector?: readonly number[]): void => {
    const before = latest.get(id)?.offset ?? -1;
    if (before === offset) throw new Error(`${id} is twice at ${offset}`);
    if (before < offset) latest.set(id, { offset, ...(vector && { vector }) });
  };
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.endsWith('.deletions.jsonl')) for (const { id, offset } of linesOf<Key>(folder, name)) put(id, offset);
    else if (name.startsWith('batch_')) {
      const keys = linesOf<Key>(folder, `_${name.replace(/\.jsonl.*/, '')}.keys.jsonl`);
      const lines = linesOf<Line>(folder, name);
      if (lines.length !== keys.length) throw new Error(`${name} has ${lines.length} lines and ${keys.length} keys`);
      for (const [i, { object_id, embedding }] of lines.entries()) {
        const { id = '', offset = 0 } = keys[i] ?? {};
        if (String(object_id) !== id) throw new Error(`${name}:${i + 1} is ${object_id}, its key ${id}`);
        put(id, offset, embedding);
      }
    }
  return new Map([...latest].flatMap(([id, { vector }]) => (vector === undefined ? [] : [[id, vector] as const])));
}

describeOutputContract({
  name: 'jsonl',
  isStore: false,
  create: (folder) =>
    Promise.resolve({
      flags: () => [`--out=${folder}`, '--shard-rows=100', '--compress=gzip'],
      contents: (model) => Promise.resolve(latestLines(join(folder, 'embeddings', model))),
    }),
});
