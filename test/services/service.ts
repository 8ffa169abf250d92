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
  readonly variable?: string;
  readonly ways: readonly Way<Address>[];
  /** How a person gives `address` to a command, as `NAME=VALUE`. */
  exported(address: Address): string[];
  /** What the environment variable says. */
  fromEnvironment(value: string): Address;
  /** Resolves once a real request to `address` has succeeded; rejects where one does not. Tried again and again. */
  ask(address: Address): Promise<void>;
}

export interface Way<Address> {
  readonly name: string;
  /**
   * What this machine lacks, and what to install; undefined where the way is open. Synchronous and quick, because it
   * is asked while tests are being collected.
   */
  missing(): string | undefined;
  /** Downloads what `launch` needs, once; other callers wait. Minutes, the first time. */
  fetch(): Promise<void>;
  /**
   * Spawns the server: everything it writes goes under `folder`, and its command line names `folder`. It need not be
   * ready yet. Called again, with the same folder, it goes on with the data that is there.
   *
   * @param ports wanted by a person; tests leave the choice to the way
   */
  launch(folder: string, ports?: readonly number[]): Promise<Launched<Address>>;
}

export interface Launched<Address> {
  readonly address: Address;
  /** Ending it ends the server, whichever way it runs. */
  readonly process: { readonly pid: number; readonly ended: boolean };
  readonly logFile: string;
}
