import { compare, type Totals } from './compare.ts';
import { count, type CountOptions } from './count.ts';
import { MODEL, type CommandJson, type Place } from './place.ts';
import type { Random } from './random.ts';
import { ROW_FLAGS, Sources } from './sources.ts';
import type { SupervisedProcess } from './supervised-process.ts';

export const PROCESS = ['process', `--model=${MODEL}`];
export const sink = (format: string): string[] => ['sink', format, `--model=${MODEL}`, '--shard-rows=300'];
export const FORMATS = ['parquet', 'npy'];
/** A command that a supervisor would start again for ever is a fault. */
const MOST_TRIES = 10;
const RESTART_AFTER_MS = 1_000;

/** Sources, processors and sinks of one namespace, and what must come of them. */
export class Pipeline {
  readonly place: Place;
  readonly sources: Sources;
  readonly processors: readonly SupervisedProcess[];
  readonly sinks: readonly SupervisedProcess[];
  /** Ids of records that can't be decoded. */
  readonly poison = new Set<string>();
  readonly #random: Random;
  #produceKills = 0;
  #produceRetries = 0;

  constructor(
    place: Place,
    random: Random,
    members: { processors: number; parquet: number; npy: number },
    sources = new Sources(place.folder),
  ) {
    this.place = place;
    this.sources = sources;
    this.#random = random;
    const start = (kind: string, members: number, args: string[]): SupervisedProcess[] =>
      Array.from({ length: members }, (_, i) => place.supervise(`${kind} ${i + 1}`, [...args, '--follow']));
    this.processors = start('processor', members.processors, PROCESS);
    this.sinks = [...start('parquet', members.parquet, sink('parquet')), ...start('npy', members.npy, sink('npy'))];
  }

  get members(): readonly SupervisedProcess[] {
    return [...this.processors, ...this.sinks];
  }

  get produceKills(): number {
    return this.#produceKills;
  }

  get produceRetries(): number {
    return this.#produceRetries;
  }

  /**
   * Publishes the next state of the sources to its end. `killShare`: how often a run is killed at some moment of
   * `killWithinMs`. A run that fails is started again, as a supervisor would; without `mayFail` that is a fault.
   */
  async produceWave(
    rows: number,
    { killShare = 0, killWithinMs = 2_000, mayFail = false }: ProduceOptions = {},
  ): Promise<void> {
    await this.sources.advance(this.#random, rows);
    const publish = async (args: string[]): Promise<void> => {
      for (let tries = 1; ; tries++) {
        const killAfterMs = this.#random.next() < killShare ? this.#random.next() * killWithinMs : undefined;
        const { code, stdout, stderr } = await this.place.run([...args, '--json'], killAfterMs);
        if (code === null) this.#produceKills++;
        else {
          const { error } = JSON.parse(stdout) as CommandJson;
          if (error === undefined) return;
          if (!mayFail || code !== 1 || tries === MOST_TRIES)
            throw new Error(`${args.join(' ')} ended with ${code}: ${error.code} ${error.message}\n${stderr}`);
          this.place.say(`  produce ended with ${error.code}: ${error.message}`);
          this.#produceRetries++;
          await new Promise((resolve) => setTimeout(resolve, RESTART_AFTER_MS));
        }
      }
    };
    await Promise.all(produceCommands(this.sources).map(publish));
  }

  /**
   * Everybody runs again; once the groups have done all, everybody stops cleanly. Then nothing may be left to do, and
   * `reconcile` and an independent count find nothing missing, nothing double.
   */
  async settle(options: CountOptions = {}): Promise<Totals> {
    const { members } = this;
    for (const member of members)
      if (member.isFrozen) member.thaw();
      else if (member.isGone) member.rejoin();
    await this.catchUp();
    await Promise.all(members.map((member) => member.stop()));
    return this.verify(options);
  }

  /** Until the groups have done all: a bounded member ends when its group, not it alone, is at the end. */
  async catchUp(): Promise<void> {
    // 1: new dead letters.
    await this.place.json(PROCESS, [0, 1]);
    await Promise.all(FORMATS.map((format) => this.place.json(sink(format))));
  }

  /** For when everybody has stopped. */
  async verify(options: CountOptions = {}): Promise<Totals> {
    const { place, members, sources, poison } = this;
    const { processed } = await place.json(PROCESS);
    if (processed?.[0]?.embedded !== 0) throw new Error(`Something was left to embed: ${JSON.stringify(processed)}`);
    await Promise.all(FORMATS.map((format) => place.json(sink(format))));
    const { differences } = await place.json(['reconcile']);
    if (differences !== 0) throw new Error(`reconcile finds ${differences} differences`);
    const faults = members.flatMap((member) => member.faults);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    const { history, badRows } = sources;
    return compare(await count(place, FORMATS, options), { history, badRows, poison });
  }
}

/** A command line for each of the files. */
export function produceCommands({ objects, faulty }: Sources): string[][] {
  return [
    ['produce', `--source=${objects}`, ...ROW_FLAGS, '--prune', '--yes'],
    ['produce', `--source=${faulty}`, ...ROW_FLAGS],
  ];
}

export interface ProduceOptions {
  readonly killShare?: number;
  readonly killWithinMs?: number;
  readonly mayFail?: boolean;
}
