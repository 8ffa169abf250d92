import { setTimeout as delay } from 'node:timers/promises';
import { schemaIdOf } from '../codec/create-codec.ts';
import type { SchemaRegistry } from '../codec/registry.ts';
import type { LogRecord } from '../log/port.ts';
import type { ConfluentApi } from './confluent-api.ts';

const HEADER_BYTES = 5;
/** At once; a batch seldom brings more than one new id. */
const MAX_REQUESTS = 4;
const AGAIN_AFTER_MS = 300;
/** Ids that no schema has, remembered so that they are not asked for again; garbage could bring any number of them. */
const MAX_ABSENT = 10_000;

/**
 * Learns the schemas behind the ids in values before the codec, which can't wait, sees them. What the registry says it
 * does not have stays unknown, and the codec makes it a dead letter; what it does not answer ends the run.
 */
export class SchemaLearner {
  readonly #api: Pick<ConfluentApi, 'schemaOf'>;
  readonly #registry: SchemaRegistry;
  readonly #absent = new Set<number>();
  readonly #asked = new Map<number, Promise<boolean>>();
  #last = -1;

  constructor(api: Pick<ConfluentApi, 'schemaOf'>, registry: SchemaRegistry) {
    this.#api = api;
    this.#registry = registry;
  }

  /** undefined: nothing is new, go on at once. Errors: those of `ConfluentApi`, never `poison`. */
  learn(records: readonly LogRecord[], signal?: AbortSignal): Promise<void> | undefined {
    let unknown: Set<number> | undefined;
    for (const { value } of records) {
      if (value === null || value.length < HEADER_BYTES || value[0] !== 0) continue;
      const id = schemaIdOf(value);
      if (id === this.#last) continue;
      if (this.#registry.knows(id) || this.#absent.has(id)) this.#last = id;
      else (unknown ??= new Set()).add(id);
    }
    return unknown && this.#learnAll([...unknown], signal);
  }

  async #learnAll(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const absent = await this.#askFor(ids, signal);
    if (absent.length === 0) return;
    // A node of the registry may not have heard yet of what another one has just registered.
    await delay(AGAIN_AFTER_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    for (const id of await this.#askFor(absent, signal)) this.#noteAbsent(id);
  }

  /** Answers with those that the registry does not have. */
  async #askFor(ids: readonly number[], signal: AbortSignal | undefined): Promise<readonly number[]> {
    const left = [...ids];
    const absent: number[] = [];
    const work = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop())
        if (!(await this.#askOnce(id, signal))) absent.push(id);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_REQUESTS, ids.length) }, work));
    return absent;
  }

  /** Partitions that meet an id at the same time share one request. */
  #askOnce(id: number, signal: AbortSignal | undefined): Promise<boolean> {
    const asked = this.#asked.get(id);
    if (asked !== undefined) return asked;
    const answer = this.#ask(id, signal).finally(() => {
      this.#asked.delete(id);
    });
    this.#asked.set(id, answer);
    return answer;
  }

  /** Whether the registry has it. */
  async #ask(id: number, signal: AbortSignal | undefined): Promise<boolean> {
    const found = await this.#api.schemaOf(id, signal);
    if (found !== undefined) this.#registry.learn(id, schemaIn(found));
    return found !== undefined;
  }

  #noteAbsent(id: number): void {
    const [oldest] = this.#absent;
    if (this.#absent.size >= MAX_ABSENT && oldest !== undefined) this.#absent.delete(oldest);
    this.#absent.add(id);
  }
}

/** Protobuf, JSON Schema and what is not valid Avro are schemas of others: known, and not ours. */
function schemaIn({
  schema,
  schemaType = 'AVRO',
}: {
  readonly schema: string;
  readonly schemaType?: string | undefined;
}) {
  if (schemaType !== 'AVRO') return { type: schemaType };
  try {
    return JSON.parse(schema) as unknown;
  } catch {
    return { type: 'schema' };
  }
}
