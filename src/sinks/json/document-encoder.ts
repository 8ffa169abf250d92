import { IsoTimes } from './iso-times.ts';
import { JsonWriter } from './json-writer.ts';
import { metadataMembers, writeId, writeText } from './row-json.ts';
import { TextFile } from './text-file.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { FingerprintSet } from '../fingerprints.ts';
import type { FinishedShard, ShardOptions, ShardRows } from '../port.ts';
import { scanRow } from '../scan-row.ts';
import type { ShardEncoder, SingleForm } from '../shard-encoder.ts';

export interface DocumentOptions extends ShardOptions {
  readonly form: Exclude<SingleForm, 'npy-single'>;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
}

/** What stands around the rows of a form, and between them. */
interface Frame {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  readonly extension: string;
}

/**
 * One file of all rows: JSON v1.0 `{version, model, dimensions, count, created, embeddings: [{id, embedding, timestamp,
 * text, metadata}]}` (`expectedRows` is its count), or a vector store's `{id, vector, metadata}` as a list or as lines.
 */
export class DocumentEncoder implements ShardEncoder {
  readonly #options: DocumentOptions;
  readonly #frame: Frame;
  readonly #scanner = new EmbeddingScanner();
  readonly #fingerprints = new FingerprintSet();
  readonly #times = new IsoTimes();
  readonly #file: TextFile;
  readonly #json: JsonWriter;
  readonly #vector: Float32Array;
  readonly #vectorBytes: Uint8Array;
  #rows = 0;

  constructor(options: DocumentOptions) {
    this.#options = options;
    this.#frame = frameOf(options);
    this.#file = new TextFile(options.stagingFolder, 'none');
    this.#json = new JsonWriter((chunk) => {
      this.#file.write(chunk);
    });
    this.#vector = new Float32Array(options.dimension);
    this.#vectorBytes = new Uint8Array(this.#vector.buffer);
    this.#json.raw(this.#frame.before);
  }

  write(rows: ShardRows): void {
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(this.#scanner, rows, i, this.#options.dimension);
      this.#scanner.copyVector(this.#vectorBytes, 0);
      if (this.#rows++ > 0) this.#json.raw(this.#frame.between);
      if (this.#options.form === 'json') this.#writeVersioned();
      else this.#writeStored();
      this.#fingerprints.add(this.#scanner.bytes, this.#scanner.fingerprintStart);
    }
  }

  finish(stem: string): FinishedShard {
    if (this.#rows > 0 && this.#frame.before === '') this.#json.raw(this.#frame.between);
    this.#json.raw(this.#frame.after);
    this.#json.flush();
    const file = this.#file.finish(`${stem}.${this.#frame.extension}`);
    return { files: [file], fingerprints: this.#fingerprints.sorted() };
  }

  abort(): void {
    this.#file.abort();
  }

  #writeVersioned(): void {
    const json = this.#json;
    json.raw('{"id":');
    writeId(json, this.#scanner);
    json.raw(',"embedding":');
    json.vector(this.#vector);
    json.raw(`,"timestamp":"${this.#times.of(this.#scanner)}"`);
    if (this.#scanner.textStart >= 0) {
      json.raw(',"text":');
      writeText(json, this.#scanner);
    }
    const metadata = [...metadataMembers(this.#scanner)].map((member) => member.json);
    json.raw(`,"metadata":{${metadata.join(',')}}}`);
  }

  #writeStored(): void {
    const json = this.#json;
    json.raw('{"id":');
    writeId(json, this.#scanner);
    json.raw(',"vector":');
    json.vector(this.#vector);
    const members = [...metadataMembers(this.#scanner)];
    json.raw(',"metadata":{');
    // Vector stores keep the text there; metadata of that name has it already.
    const withText = this.#scanner.textStart >= 0 && !members.some(({ key }) => key === 'text');
    if (withText) {
      json.raw('"text":');
      writeText(json, this.#scanner);
    }
    json.raw(`${withText && members.length > 0 ? ',' : ''}${members.map((member) => member.json).join(',')}}}`);
  }
}

function frameOf({ form, model, dimension, expectedRows = 0, createdMs }: DocumentOptions): Frame {
  if (form === 'vector-store-jsonl') return { before: '', between: '\n', after: '', extension: 'jsonl' };
  if (form === 'vector-store') return { before: '[\n', between: ',\n', after: '\n]\n', extension: 'json' };
  const head = {
    ...{ version: '1.0', model, dimensions: dimension, count: expectedRows },
    created: new Date(createdMs).toISOString(),
  };
  const before = `${JSON.stringify(head).slice(0, -1)},"embeddings":[\n`;
  return { before, between: ',\n', after: '\n]}\n', extension: 'json' };
}
