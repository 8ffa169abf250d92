import type { StagedShard } from './open-shard.ts';
import type { ShardDescriptor, ShardFile } from '../record/types.ts';

/**
 * Where the shards of one sink lie: a folder of this machine, or a prefix of a bucket. Shards are always staged on this
 * machine's disk; how they come to where they lie, and appear there at once, is what differs.
 *
 * Errors: every method rejects for faults of the world only, after retries of its own.
 */
export interface ShardReader {
  /** As in the descriptors: an absolute path or `s3://bucket/prefix`, without a slash at its end. */
  readonly location: string;
  /** Names of the files; undefined: there is no such place. */
  list(): Promise<readonly string[] | undefined>;
  /** undefined: the file is there with the size and the SHA-256 that the log says. */
  verify(file: ShardFile): Promise<ShardFileFault | undefined>;
  /** The file on this machine's disk, under its own name; undefined: there is none. */
  open(name: string): Promise<LocalFile | undefined>;
  close(): Promise<void>;
}

export type ShardFileFault = 'missing' | 'size' | 'checksum';

export interface LocalFile {
  readonly path: string;
  /** To be called when it is no longer needed. */
  release(): Promise<void>;
}

/** For one process that fills it. Calls for one partition never overlap. */
export interface ShardStore extends ShardReader {
  /** On this machine, for shards that are being written. It is there after `restore`. */
  stagingPath(topic: string, partition: number): string;
  /**
   * Start or takeover of a partition: what is committed is published, also what a crash has left half published, and
   * what is staged or sent but not committed is removed. Errors: FILE_SINK_SHARD_MISSING, FILE_SINK_OBSTRUCTED.
   */
  restore(topic: string, partition: number, committed: readonly ShardDescriptor[]): Promise<void>;
  /** Makes sure that a staged shard can be published by whoever reads the answer on the log, which is to be committed. */
  send(shard: StagedShard): Promise<ShardDescriptor>;
  /** Gives every file of committed shards its name, without ever replacing another; it may be done already. */
  publish(shards: readonly ShardDescriptor[]): Promise<void>;
  remove(files: readonly ShardFile[]): Promise<void>;
  /** Gives a small file new contents in one step. */
  replaceText(name: string, text: string): Promise<void>;
}

/** A folder or prefix that is to appear at once, as far as that can be had. */
export interface NewShardFolder {
  readonly location: string;
  readonly stagingFolder: string;
  /** Takes a staged shard. */
  add(shard: StagedShard): Promise<void>;
  /** Publishes all that was added, the manifest last. */
  appear(manifest: string): Promise<void>;
  /** Removes what did not appear. Always the last call. */
  close(): Promise<void>;
}
