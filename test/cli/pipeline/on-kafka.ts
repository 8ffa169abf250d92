/** A place whose commands work on the tests' Kafka, in a namespace of its own; and an operator's other tools. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { pythonEnvironment, runPython } from '../../python/environment.ts';
import { kafkaBrokers } from '../../services/index.ts';
import { newPlace, onlyJson, type CommandJson, type Exit, type Place, type Running } from './runner.ts';

type AnyJson = CommandJson & Readonly<Record<string, unknown>>;

export interface PlaceOnKafka {
  readonly place: Place;
  readonly brokers: readonly string[];
  readonly namespace: string;
  readonly start: (...args: string[]) => Running;
  /** To the end, with --json. */
  readonly ended: (...args: string[]) => Promise<Exit & { readonly json: AnyJson }>;
  /** The same, where nothing may go wrong. */
  readonly done: (...args: string[]) => Promise<AnyJson>;
  /** `topic_admin.py`, for what is described `describeWithPython`. */
  readonly admin: (...args: string[]) => Promise<unknown>;
}

export async function placeOnKafka(): Promise<PlaceOnKafka> {
  const place = newPlace();
  const brokers = await kafkaBrokers();
  const namespace = `t${randomUUID().slice(0, 8)}`;
  const environment = { KAFKA_BROKERS: brokers.join(','), EMBEDSTREAM_NAMESPACE: namespace };
  const start = (...args: string[]): Running => place.start(args, { environment });
  const ended: PlaceOnKafka['ended'] = async (...args) => {
    const exit = await start(...args, '--json').ended;
    return { ...exit, json: onlyJson(exit.stdout, exit.stderr) as AnyJson };
  };
  return {
    ...{ place, brokers, namespace, start, ended },
    done: async (...args) => {
      const { code, json, stderr } = await ended(...args);
      expect({ code, json, stderr }, args.join(' ')).toMatchObject({ code: 0 });
      return json;
    },
    admin: async (...args) => {
      const found = await pythonEnvironment();
      if ('missing' in found) throw new Error(found.missing);
      return runPython(found.python, 'topic_admin.py', [brokers.join(','), ...args]);
    },
  };
}
