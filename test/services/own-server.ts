import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isFree } from './ports.ts';
import { ownServerFolder } from './run-folder.ts';
import { endServer, type ServerProcess } from './server-process.ts';
import type { Service, Way } from './service.ts';
import { untilReady } from './start.ts';

const PORT_FREE_WITHIN_MS = 10_000;
const REAPED_WITHIN_MS = 10_000;
const POLL_MS = 20;

/**
 * A server of one test's own, which may end it and start it again: it comes back with its data and its address. It
 * runs in a JVM, whatever else the machine has.
 */
export class OwnServer<Address> {
  readonly #service: Service<Address>;
  readonly #way: Way<Address>;
  readonly #folder: string;
  #ports: readonly number[] | undefined;
  #address: Address | undefined;
  #process: ServerProcess | undefined;

  private constructor(service: Service<Address>, way: Way<Address>, folder: string) {
    this.#service = service;
    this.#way = way;
    this.#folder = folder;
  }

  /** Starts it, and resolves when it is ready. */
  static async start<Address>(service: Service<Address>, way: Way<Address>): Promise<OwnServer<Address>> {
    const server = new OwnServer(service, way, await ownServerFolder(service.name));
    await way.fetch();
    await server.start();
    return server;
  }

  get address(): Address {
    if (this.#address === undefined) throw new Error(`${this.#service.name} was not started`);
    return this.#address;
  }

  /** Starts it again after `kill` or `stop`; resolves when it answers. */
  async start(): Promise<void> {
    for (const port of this.#ports ?? []) await untilFree(port);
    const launched = await this.#way.launch(this.#folder, this.#ports);
    this.#ports = launched.ports;
    this.#address = launched.address;
    this.#process = launched.process;
    await untilReady(this.#service, launched);
  }

  /** kill -9. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** A clean end. Resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Until its id is free too: a Postgres that comes back while its dead one has it takes that for a running server. */
  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await endServer(this.#folder, signal);
    const deadline = Date.now() + REAPED_WITHIN_MS;
    while (this.#process?.ended === false && Date.now() < deadline) await delay(POLL_MS);
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The system closes the sockets of a killed process a moment after the process is gone. */
async function untilFree(port: number): Promise<void> {
  const deadline = Date.now() + PORT_FREE_WITHIN_MS;
  while (!(await isFree(port))) {
    if (Date.now() > deadline) throw new Error(`A server can't come back: another process listens on port ${port}`);
    await delay(POLL_MS);
  }
}
