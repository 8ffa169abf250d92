import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddingRow } from '../../src/sinks/readers/embedding-rows.ts';

/** What shards add up to: of each id the row with the latest offset, if it was not deleted later. */
export async function latestRows(
  folder: string,
  read: (folder: string) => AsyncIterable<EmbeddingRow>,
): Promise<Map<string, Float32Array>> {
  if (!existsSync(folder)) return new Map();
  const latest = new Map<string, { offset: number; vector?: Float32Array }>();
  const put = (id: string, offset: number, vector?: Float32Array): void => {
    if ((latest.get(id)?.offset ?? -1) < offset) latest.set(id, { offset, ...(vector && { vector }) });
  };
  for await (const { id, offset = 0, vector } of read(folder)) put(id, offset, vector);
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deletions.jsonl')))
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)) {
      const { id, offset } = JSON.parse(line) as { id: string; offset: number };
      put(id, offset);
    }
  return new Map([...latest].flatMap(([id, { vector }]) => (vector === undefined ? [] : [[id, vector] as const])));
}
