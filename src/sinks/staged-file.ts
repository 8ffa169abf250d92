import { createHash, randomBytes, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { StagedFile } from './port.ts';
import { errnoOf, fileFault } from './file-fault.ts';
import { fatalError } from '../errors.ts';

const REHASH_CHUNK_BYTES = 1 << 20;
/** Of one write: a system call a page of 64 KiB would cost four times as much a byte. */
const BUFFER_BYTES = 1 << 20;
/** A page of vectors goes to the file as it is. */
const UNBUFFERED_BYTES = 256 * 1024;
const DIGEST_IN_NAME = 16;

/**
 * A staged file has its checksum in its name: a frozen owner that wakes up and stages the same shard again can't put
 * other bytes where a committed file waits to be published.
 */
export function stagedName(name: string, sha256: string): string {
  return `${name}.${sha256.slice(0, DIGEST_IN_NAME)}`;
}

/**
 * A file under a temporary name in the staging folder; its SHA-256 is taken while it is written. Synchronous: it lives
 * in a worker thread, or writes little. Errors: FILE_SINK_DISK_FULL, FILE_SINK_NO_PERMISSION, FILE_SINK_IO.
 */
export class StagedFileWriter {
  readonly path: string;
  readonly #folder: string;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffered = 0;
  #hash: Hash | undefined = createHash('sha256');
  /** In the file; what is buffered comes on top. */
  #written = 0;
  #closed = false;

  constructor(stagingFolder: string, path = join(stagingFolder, `open-${randomBytes(8).toString('hex')}`)) {
    this.#folder = stagingFolder;
    this.path = path;
    this.#fd = this.#guard(() => openSync(path, 'wx+'));
  }

  write(chunk: Uint8Array): void {
    if (chunk.length >= UNBUFFERED_BYTES) {
      this.#flush();
      this.#append(chunk);
      return;
    }
    for (let from = 0; from < chunk.length;) {
      const length = Math.min(chunk.length - from, BUFFER_BYTES - this.#buffered);
      this.#buffer.set(chunk.subarray(from, from + length), this.#buffered);
      this.#buffered += length;
      from += length;
      if (this.#buffered === BUFFER_BYTES) this.#flush();
    }
  }

  /** Replaces the first bytes: the checksum has to be taken from the file again. */
  rewriteHead(head: Uint8Array): void {
    this.#flush();
    this.#writeAt(head, 0);
    this.#hash = undefined;
  }

  /** Fsyncs the file and gives it the name under which it waits: `stagedName(name, sha256)`. */
  finish(name: string): StagedFile {
    this.#flush();
    const sha256 = this.#guard(() => {
      const digest = (this.#hash ?? this.#hashAgain()).digest('hex');
      fsyncSync(this.#fd);
      return digest;
    });
    const stagedPath = join(this.#folder, stagedName(name, sha256));
    this.#close();
    try {
      renameSync(this.path, stagedPath);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileFault(`Staging ${stagedPath}`, error);
      const what = `The staged file ${this.path} is gone: another process has taken over this partition.`;
      throw fatalError('FILE_SINK_STAGING_LOST', what, error);
    }
    return { name, bytes: this.#written, sha256, stagedPath };
  }

  abort(): void {
    this.#close();
    this.#guard(() => {
      rmSync(this.path, { force: true });
    });
  }

  #flush(): void {
    if (this.#buffered === 0) return;
    this.#append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #append(chunk: Uint8Array): void {
    this.#writeAt(chunk, this.#written);
    this.#hash?.update(chunk);
    this.#written += chunk.length;
  }

  #writeAt(chunk: Uint8Array, position: number): void {
    this.#guard(() => {
      let done = 0;
      while (done < chunk.length) done += writeSync(this.#fd, chunk, done, chunk.length - done, position + done);
    });
  }

  #hashAgain(): Hash {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(Math.min(REHASH_CHUNK_BYTES, this.#written));
    for (let at = 0; at < this.#written;) {
      const read = readSync(this.#fd, chunk, 0, chunk.length, at);
      if (read === 0) throw new Error('the file is shorter than what was written');
      hash.update(chunk.subarray(0, read));
      at += read;
    }
    return hash;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#guard(() => {
      closeSync(this.#fd);
    });
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw fileFault(`Writing ${basename(this.path)} in ${this.#folder}`, error);
    }
  }
}
