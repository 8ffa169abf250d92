/** Runs the real commands as processes of their own, each test in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { createEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log, LogRecord } from '../../../src/log/port.ts';
import type { EmbeddingRow } from '../../../src/sinks/readers/embedding-rows.ts';
import { readParquet } from '../../../src/sinks/readers/read-parquet.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
export const TINY_BERT = fileURLToPath(new URL('../../fixtures/tiny-bert', import.meta.url));
/** POSIX: in blocks of 512 bytes. */
const LIMITED = 'ulimit -f "$0" && exec "$@"';
export const HASHED = '--model=hashed-384';

export interface Exit {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Exit>;
}

/** What the commands print with `--json`, as far as the tests look into it; each prints some of it. */
export interface CommandJson {
  readonly produced: readonly Readonly<Record<string, unknown>>[];
  readonly processed: readonly Readonly<Record<string, unknown>>[];
  readonly sunk: readonly Readonly<Record<string, unknown> & { out: string }>[];
  readonly mismatches: readonly string[];
  readonly topics: readonly { readonly topic: string; readonly partitions: number }[];
  readonly compared: number;
  readonly matches: readonly { readonly id: string; readonly score: number }[];
  readonly cosine: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Halves the start of a command, of which the tests have more than a hundred. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'embedstream-compile-cache');

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'embedstream-cli-'));
  readonly #children: ChildProcess[] = [];
  #log: Promise<Log> | undefined;

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** A CSV file with the columns id, text and year. */
  writeRows(name: string, rows: Iterable<readonly (string | number)[]>): string {
    return this.write(name, ['id,text,year', ...Array.from(rows, (row) => row.join(','))].join('\n') + '\n');
  }

  /** `maxFileKiB`: a larger file can't be written, as if the disk were full. */
  start(
    args: readonly string[],
    { environment = {}, maxFileKiB }: { environment?: Readonly<Record<string, string>>; maxFileKiB?: number } = {},
  ): Running {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('EMBEDSTREAM_') && !name.startsWith('VITEST') && name !== 'NODE_OPTIONS',
    );
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, ...args];
    const [program = '', ...rest] =
      maxFileKiB === undefined ? command : ['sh', '-c', LIMITED, String(maxFileKiB * 2), ...command];
    const child = spawn(program, rest, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        CI: '1',
        NODE_COMPILE_CACHE,
        // No test asks the real hub, nor uses what the user has downloaded.
        HF_HUB_CACHE: this.path('hub'),
        HF_HUB_OFFLINE: '1',
        ...environment,
      },
    });
    this.#children.push(child);
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    const ended = new Promise<Exit>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve({ code, signal, ...texts });
      });
    });
    return { child, ended };
  }

  run(...args: string[]): Promise<Exit> {
    return this.start(args).ended;
  }

  /** Runs with --json, whose stdout must be one JSON object on one line. */
  async json(...args: string[]): Promise<{ code: number | null; json: CommandJson; stderr: string }> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    return { code, json: onlyJson(stdout, stderr), stderr };
  }

  /** The same, where nothing may go wrong. */
  async done(...args: string[]): Promise<CommandJson> {
    const { code, json, stderr } = await this.json(...args);
    expect({ code, json, stderr }).toMatchObject({ code: 0 });
    return json;
  }

  /** Rows of all Parquet files below a folder, as they are: an id may come again. */
  async rows(...names: string[]): Promise<EmbeddingRow[]> {
    const rows: EmbeddingRow[] = [];
    for await (const row of readParquet(this.path(...names))) rows.push(row);
    return rows;
  }

  files(...names: string[]): string[] {
    return readdirSync(this.path(...names)).sort();
  }

  /** This place's log, open beside the commands. */
  async withLog<Result>(body: (log: Log) => Promise<Result>): Promise<Result> {
    this.#log ??= createEmbeddedLog({ dataDir: this.path('.embedstream') });
    return body(await this.#log);
  }

  /** The latest record of each key of a topic that is not deleted. */
  live(topic: string): Promise<Map<string, LogRecord>> {
    return this.withLog((log) => liveRecords(log, topic));
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    await (await this.#log)?.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A place that is removed when the test has ended. */
export function newPlace(): Place {
  const place = new Place();
  onTestFinished(() => place.dispose());
  return place;
}

export function onlyJson(stdout: string, context = ''): CommandJson {
  expect(stdout.trimEnd().split('\n'), context).toHaveLength(1);
  return JSON.parse(stdout) as CommandJson;
}

export async function liveRecords(log: Log, name: string): Promise<Map<string, LogRecord>> {
  const live = new Map<string, LogRecord>();
  const topic = (await log.topics()).find((each) => each.name === name);
  for (const { partition, startOffset, endOffset } of topic?.partitionInfo ?? [])
    for await (const { records } of log.read(name, partition, startOffset, endOffset))
      for (const record of records) {
        const key = Buffer.from(record.key ?? []).toString();
        if (record.value === null) live.delete(key);
        else live.set(key, record);
      }
  return live;
}

/** Asks again until it is so; the test's own time limit ends it otherwise. */
export async function until(condition: () => Promise<boolean>, running?: Running): Promise<void> {
  while (!(await condition())) {
    if (running?.child.exitCode != null) throw new Error(`ended before: ${JSON.stringify(await running.ended)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Row `i` of a table of documents; `text` and `year` may be others. */
export function documentRow(
  i: number,
  text = `Document number ${i} about dragons`,
  year = 1900 + i,
): (string | number)[] {
  return [`d${i}`, text, year];
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
