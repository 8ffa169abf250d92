import zlib from 'node:zlib';
import type { StagedFile } from '../port.ts';
import type { Compression } from '../shard-encoder.ts';
import { StagedFileWriter } from '../staged-file.ts';

/** Of one member: compression is no better with more, and memory stays small. */
const MEMBER_BYTES = 4 << 20;

/** What a compressed file's name ends with. */
export const COMPRESSION_SUFFIX: Readonly<Record<Compression, string>> = { none: '', gzip: '.gz', zstd: '.zst' };

/**
 * A staged text file, compressed on request: members (gzip) or frames (zstd) one after another, which decompressors read
 * as one file.
 */
export class TextFile {
  readonly #file: StagedFileWriter;
  readonly #compression: Compression;
  readonly #member: Buffer;
  #used = 0;

  constructor(stagingFolder: string, compression: Compression) {
    this.#file = new StagedFileWriter(stagingFolder);
    this.#compression = compression;
    this.#member = Buffer.allocUnsafeSlow(compression === 'none' ? 0 : MEMBER_BYTES);
  }

  write(chunk: Uint8Array): void {
    if (this.#compression === 'none') {
      this.#file.write(chunk);
      return;
    }
    for (let from = 0; from < chunk.length;) {
      const length = Math.min(chunk.length - from, MEMBER_BYTES - this.#used);
      this.#member.set(chunk.subarray(from, from + length), this.#used);
      this.#used += length;
      from += length;
      if (this.#used === MEMBER_BYTES) this.#endMember();
    }
  }

  /** `name` is completed by what says the compression. */
  finish(name: string): StagedFile {
    if (this.#used > 0) this.#endMember();
    return this.#file.finish(name + COMPRESSION_SUFFIX[this.#compression]);
  }

  abort(): void {
    this.#file.abort();
  }

  #endMember(): void {
    const member = this.#member.subarray(0, this.#used);
    this.#file.write(this.#compression === 'gzip' ? zlib.gzipSync(member) : zlib.zstdCompressSync(member));
    this.#used = 0;
  }
}
