import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file that is as it should be, from which damaged ones are made. */
export interface ValidFile {
  /** With its extension. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const FLIPS = 24;

/** `.jsonl.gz` of `lines.jsonl.gz`. */
function extensionOf(name: string): string {
  const dot = name.indexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

/** Cut off at each 1/16, and with bits flipped all over, as names with their bytes; the same each time. */
export function damaged({ name, bytes }: ValidFile): ValidFile[] {
  const extension = extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  const cuts = Array.from({ length: 16 }, (_, i) => ({
    name: `${stem}-cut-${String(i).padStart(2, '0')}${extension}`,
    bytes: bytes.subarray(0, Math.floor((bytes.length * i) / 16)),
  }));
  // A linear congruential generator (Numerical Recipes): the same bits each time.
  let state = bytes.length;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  const flipped = Array.from({ length: FLIPS }, (_, i) => {
    const copy = Uint8Array.from(bytes);
    for (let flips = 0; flips <= i % 8; flips++) {
      const at = random(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    }
    return { name: `${stem}-flip-${String(i).padStart(2, '0')}${extension}`, bytes: copy };
  });
  return [...cuts, ...flipped];
}

/** Names that hurt whoever quotes, joins or shows them; none has more than 255 bytes. */
export function hostileNames(extension: string): string[] {
  const longest = 255 - extension.length;
  return [
    'with space',
    ' leading',
    'quo"te',
    "apos'trophe",
    'line\nbreak',
    'tab\tand\u001b[31mcolour',
    'back\\slash',
    '..',
    '...',
    'a..b',
    '--flag',
    '$(touch x)',
    '%2e%2e%2f',
    'comma,name',
    '{braces}',
    '*?[glob]',
    'ünïcödé 😀',
    'e\u0301',
    '\u202ertl',
    'x'.repeat(longest),
    '€'.repeat(Math.floor(longest / 3)),
  ].map((stem) => `${stem}${extension}`);
}

/**
 * Fills a folder with all of it: the valid files (also under the extensions of one another and of nothing), what is
 * damaged of each, empty files, hostile names, links in circles and out of the folder, FIFOs, folders named like files
 * and, for all but root, files that may not be read. Answers with what there is.
 */
export function makeHostileCorpus(folder: string, valid: readonly ValidFile[]): { readonly files: number } {
  const root = join(folder, 'corpus');
  let files = 0;
  const write = (name: string, bytes: Uint8Array | string): void => {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), bytes);
    files++;
  };
  const extensions = [
    ...new Set(valid.map(({ name }) => extensionOf(name))),
    '.csv',
    '.jsonl',
    '.pdf',
    '.png',
    '.dat',
    '',
  ];
  for (const file of valid) {
    const extension = extensionOf(file.name);
    write(`valid/${file.name}`, file.bytes);
    for (const each of damaged(file)) write(`damaged/${each.name}`, each.bytes);
    for (const [index, other] of extensions.entries())
      if (other !== extension) write(`wrong/${index}-${file.name.slice(0, -extension.length)}${other}`, file.bytes);
    for (const name of hostileNames(extension)) write(`names ${extension}/${name}`, file.bytes);
    write(`empty/${file.name}`, '');
    write(`zeros/${file.name}`, Buffer.alloc(70_000));
    mkdirSync(join(root, `folders/named${extension}`), { recursive: true });
    execFileSync('mkfifo', [join(root, `folders/fifo${extension}`)]);
    symlinkSync('..', join(root, `folders/loop${extension}`));
    symlinkSync(`self${extension}`, join(root, `folders/self${extension}`));
    symlinkSync('/etc/passwd', join(root, `folders/outside${extension}`));
    symlinkSync('/dev/zero', join(root, `folders/device${extension}`));
    write(`unreadable/${file.name}`, file.bytes);
    chmodSync(join(root, `unreadable/${file.name}`), 0);
  }
  mkdirSync(join(root, 'unreadable/folder'), { mode: 0 });
  writeFileSync(
    Buffer.concat([
      Buffer.from(`${root}/not-utf8-`),
      Buffer.from([0xff]),
      Buffer.from(extensionOf(valid[0]?.name ?? '')),
    ]),
    'x',
  );
  return { files };
}
