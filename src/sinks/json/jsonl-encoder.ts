import { JsonWriter } from './json-writer.ts';
import { IsoTimes } from './iso-times.ts';
import { TextFile } from './text-file.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { FingerprintSet } from '../fingerprints.ts';
import type { FinishedShard, ShardOptions, ShardRows } from '../port.ts';
import { scanRow } from '../scan-row.ts';
import type { Compression, ShardEncoder } from '../shard-encoder.ts';

/** Of the sidecar that has id and offset of each row, in the form of the one that lists deletions. */
export const KEYS_SUFFIX = '.keys.jsonl';

/** `<stem>.jsonl` with `{object_id, embedding, timestamp, model, dimension}` a line, and `_<stem>.keys.jsonl`. */
export class JsonlEncoder implements ShardEncoder {
  readonly #scanner = new EmbeddingScanner();
  readonly #fingerprints = new FingerprintSet();
  readonly #times = new IsoTimes();
  readonly #dimension: number;
  readonly #rows: TextFile;
  readonly #keys: TextFile;
  readonly #row: JsonWriter;
  readonly #key: JsonWriter;
  readonly #vector: Float32Array;
  readonly #vectorBytes: Uint8Array;
  /** What ends every line after its timestamp. */
  readonly #end: string;

  constructor({ stagingFolder, dimension, model, compression }: ShardOptions & { readonly compression: Compression }) {
    this.#dimension = dimension;
    this.#rows = new TextFile(stagingFolder, compression);
    this.#keys = new TextFile(stagingFolder, 'none');
    this.#row = new JsonWriter((chunk) => {
      this.#rows.write(chunk);
    });
    this.#key = new JsonWriter((chunk) => {
      this.#keys.write(chunk);
    });
    this.#vector = new Float32Array(dimension);
    this.#vectorBytes = new Uint8Array(this.#vector.buffer);
    this.#end = `,"model":${JSON.stringify(model)},"dimension":${dimension}}\n`;
  }

  write(rows: ShardRows): void {
    const scanner = this.#scanner;
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(scanner, rows, i, this.#dimension);
      scanner.copyVector(this.#vectorBytes, 0);
      this.#row.raw('{"object_id":');
      this.#row.id(scanner.bytes, scanner.idStart, scanner.idEnd);
      this.#row.raw(',"embedding":');
      this.#row.vector(this.#vector);
      this.#row.raw(`,"timestamp":"${this.#times.of(scanner)}"${this.#end}`);
      this.#key.raw('{"id":');
      this.#key.string(scanner.bytes, scanner.idStart, scanner.idEnd);
      this.#key.raw(`,"offset":${rows.offsets[i] ?? -1}}\n`);
      this.#fingerprints.add(scanner.bytes, scanner.fingerprintStart);
    }
  }

  finish(stem: string): FinishedShard {
    this.#key.flush();
    this.#row.flush();
    const files = [this.#keys.finish(`_${stem}${KEYS_SUFFIX}`), this.#rows.finish(`${stem}.jsonl`)];
    return { files, fingerprints: this.#fingerprints.sorted() };
  }

  abort(): void {
    this.#rows.abort();
    this.#keys.abort();
  }
}
