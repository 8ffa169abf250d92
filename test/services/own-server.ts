import { rmSync } from 'node:fs';
import { ownServerFolder } from './run-folder.ts';
import { endServer } from './server-process.ts';
import type { Service, Way } from './service.ts';
import { untilReady } from './start.ts';

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
    const launched = await this.#way.launch(this.#folder, this.#ports);
    if (this.#ports !== undefined && launched.ports.join() !== this.#ports.join()) {
      await this.kill();
      throw new Error(`${this.#service.name} can't come back: another process took a port of ${this.#ports.join()}`);
    }
    this.#ports = launched.ports;
    this.#address = launched.address;
    await untilReady(this.#service, launched);
  }

  /** kill -9. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await endServer(this.#folder, 'SIGKILL');
  }

  /** A clean end. Resolves when the process is gone. */
  async stop(): Promise<void> {
    await endServer(this.#folder, 'SIGTERM');
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
