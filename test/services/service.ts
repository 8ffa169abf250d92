/**
 * A server that tests, or a person, need: a broker, a registry.
 *
 * It is found in this order: an address in the environment, then the ways of `ways` in their order (a container, a
 * JVM). Where none is open the tests skip, loudly; with REQUIRE_INTEGRATION=1 they fail.
 */
export interface Service<Address> {
  /** Also the name of its folder. */
  readonly name: string;
  /** The environment variable that names a server which is there already. */
  readonly variable?: string | undefined;
  readonly ways: readonly Way<Address>[];
  /** The first of them is where a person expects it. */
  readonly usualPorts: readonly number[];
  /** What a person sets so that a command uses `address`, as `NAME=VALUE`. */
  exported(address: Address): string;
  /** What the environment variable says. */
  fromEnvironment(value: string): Address;
  /** Resolves once a real request to `address` has succeeded; rejects where one does not. Tried again and again. */
  ask(address: Address): Promise<void>;
}

export interface Way<Address> {
  readonly name: string;
  /** Whether a server that is launched again in its folder still has its data. */
  readonly keepsData: boolean;
  /**
   * What this machine lacks, and what to install; undefined where the way is open. Synchronous and quick, because it
   * is asked while tests are being collected.
   */
  missing(): string | undefined;
  /** Downloads what `launch` needs, once; other callers wait. Minutes, the first time. */
  fetch(): Promise<void>;
  /**
   * Spawns the server: everything it writes goes under `folder`, and its command line names `folder`. It need not be
   * ready yet.
   *
   * @param ports taken in this order where they are free
   */
  launch(folder: string, ports?: readonly number[]): Promise<Launched<Address>>;
}

export interface Launched<Address> {
  readonly address: Address;
  /** Give them to the next `launch` for the same address. */
  readonly ports: readonly number[];
  /** Ending it ends the server, whichever way it runs. */
  readonly process: { readonly pid: number; readonly ended: boolean };
  readonly logFile: string;
}
