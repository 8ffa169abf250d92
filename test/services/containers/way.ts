import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../ports.ts';
import { logFileOf, spawnServer } from '../server-process.ts';
import type { Way } from '../service.ts';
import { engineSocket } from './engine.ts';

const KEEPER = join(import.meta.dirname, 'keeper.ts');

/** What keeper.ts reads. */
export interface ContainerSpec {
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** Port inside → port of 127.0.0.1. */
  readonly ports: Readonly<Record<number, number>>;
}

/** A container, kept by a process of ours that is ended like any other server. It has its data until it ends. */
export function containerWay<Address>(
  portCount: number,
  describe: (ports: readonly number[]) => ContainerSpec & { readonly address: Address },
): Way<Address> {
  return {
    name: 'container',
    keepsData: false,
    missing: () => (engineSocket() === undefined ? 'no Docker engine answers: start one' : undefined),
    // The engine fetches the image at launch.
    fetch: () => Promise.resolve(),
    async launch(folder, wanted) {
      const ports = await freePorts(portCount, wanted);
      const { address, ...spec } = describe(ports);
      const file = join(folder, 'container.json');
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, JSON.stringify(spec satisfies ContainerSpec));
      const keeper = spawnServer({ folder, command: process.execPath, args: [KEEPER, file] });
      return { address, ports, process: keeper, logFile: logFileOf(folder) };
    },
  };
}
