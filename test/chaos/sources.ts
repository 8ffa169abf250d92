import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import type { Random } from './random.ts';

/** A row has one text only once, so that an embedding tells of which version it is. */
type Version = string | null;

/**
 * Two CSV files that grow, and what must become of them: in one rows come, change and go; in the other, which only
 * grows, are rows that can't be read.
 */
export class Sources {
  readonly objects: string;
  readonly faulty: string;
  /** Content hashes of each id in the order in which they are published; null is a deletion. */
  readonly history = new Map<string, Version[]>();
  /** Dead letters of the source reader, by key. */
  readonly badRows = new Set<string>();
  /** Texts of what is in the first file. */
  readonly #live = new Map<string, string>();
  readonly #faultyLines: string[] = [];
  #serial = 0;

  constructor(folder: string) {
    this.objects = `${folder}/objects.csv`;
    this.faulty = `${folder}/faulty.csv`;
  }

  /** The next state of both files: `count` new rows, and some of those that are there change or go. */
  async advance(random: Random, count: number): Promise<void> {
    const ids = [...this.#live.keys()];
    const some = (share: number): Set<string> =>
      new Set(ids.length === 0 ? [] : Array.from({ length: Math.ceil(count * share) }, () => random.pick(ids)));
    const gone = some(0.05);
    for (const id of gone) this.#set(id, undefined);
    for (const id of some(0.2)) if (!gone.has(id)) this.#set(id, this.#newText(id));
    for (let i = 0; i < count; i++) {
      const id = `o${++this.#serial}`;
      this.#set(id, this.#newText(id));
    }
    for (let i = 0; i < Math.ceil(count / 20); i++) this.#addFaultyPair();
    await replace(
      this.objects,
      [...this.#live].map(([id, text]) => `${id},${text}`),
    );
    await replace(this.faulty, this.#faultyLines);
  }

  #newText(id: string): string {
    return `Object ${id} in its version ${++this.#serial}`;
  }

  #set(id: string, text: string | undefined): void {
    if (text === undefined) this.#live.delete(id);
    else this.#live.set(id, text);
    const versions = this.history.get(id) ?? [];
    versions.push(text === undefined ? null : sha256(text));
    this.history.set(id, versions);
  }

  /** A good row and one that lacks a field. */
  #addFaultyPair(): void {
    const id = `f${++this.#serial}`;
    const text = this.#newText(id);
    this.#faultyLines.push(`${id},${text}`, `${id}-bad`);
    this.history.set(id, [sha256(text)]);
    // The header is line 1.
    this.badRows.add(`faulty:${this.#faultyLines.length + 1}`);
  }
}

export const ROW_FLAGS = ['--id=id', '--text={text}'];

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function replace(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(`${path}.new`, ['id,text', ...lines, ''].join('\n'));
  await rename(`${path}.new`, path);
}
