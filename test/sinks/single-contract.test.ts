import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpyMatrix } from '../../src/sinks/readers/read-npy.ts';
import { describeOutputContract } from '../contracts/store.ts';

type Vectors = ReadonlyMap<string, ArrayLike<number>>;

interface Row {
  readonly id: string;
  readonly embedding?: readonly number[];
  readonly vector?: readonly number[];
}

/** Whole files: an id that is there twice is an error. */
function unique(rows: Iterable<readonly [string, ArrayLike<number>]>): Vectors {
  const vectors = new Map<string, ArrayLike<number>>();
  for (const [id, vector] of rows) {
    if (vectors.has(id)) throw new Error(`${id} is twice`);
    vectors.set(id, vector);
  }
  return vectors;
}

function linesOf(path: string): Row[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
}

const READERS: Readonly<Record<string, (stem: string) => Promise<Vectors>>> = {
  json: (stem) => {
    const { count, embeddings } = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as {
      count: number;
      embeddings: Row[];
    };
    if (count !== embeddings.length) throw new Error(`count ${count} of ${embeddings.length}`);
    return Promise.resolve(unique(embeddings.map(({ id, embedding = [] }) => [id, embedding])));
  },
  'vector-store': (stem) =>
    Promise.resolve(unique(linesOf(`${stem}.jsonl`).map(({ id, vector = [] }) => [id, vector]))),
  'npy-single': async (stem) => {
    const { data, shape } = await readNpyMatrix(`${stem}.npy`);
    const rows = linesOf(`${stem}.jsonl`);
    if (rows.length !== shape[0]) throw new Error(`${rows.length} lines of ${shape[0]} vectors`);
    return unique(rows.map(({ id }, i) => [id, data.subarray(i * shape[1], (i + 1) * shape[1])]));
  },
};

/** They differ in how a row is written alone; a campaign (`CONTRACT_KILLS`) takes all of them. */
const NAMES = process.env['CONTRACT_KILLS'] === undefined ? ['json'] : Object.keys(READERS);

for (const [name, read] of Object.entries(READERS).filter(([each]) => NAMES.includes(each)))
  describeOutputContract({
    name,
    isStore: false,
    create: (folder) =>
      Promise.resolve({
        flags: () => [`--out=${folder}`, '--vector-store-format=jsonl'],
        contents: (model) => {
          const place = join(folder, name, model);
          return existsSync(place) ? read(join(place, model)) : Promise.resolve(new Map());
        },
      }),
  });
