import { NpyVectors } from './npy-encoder.ts';
import { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { FingerprintSet } from '../fingerprints.ts';
import { JsonWriter } from '../json/json-writer.ts';
import { metadataMembers, writeId, writeText } from '../json/row-json.ts';
import { TextFile } from '../json/text-file.ts';
import type { FinishedShard, ShardOptions, ShardRows, StagedFile } from '../port.ts';
import { scanRow } from '../scan-row.ts';
import type { ShardEncoder, VectorDtype } from '../shard-encoder.ts';

/** Names that mean something else to who reads the lines: metadata of that name is written as `metadata.<name>`. */
const RESERVED = new Set([
  ...['object_id', 'id', 'paper_id', 'paragraph_index', 'text', 'document', 'content', 'model', 'dimension'],
  'timestamp',
]);
const PARAGRAPH = /^(.+)#(0|[1-9]\d{0,14})$/s;
const TWO_32 = 0x1_0000_0000;
const utf8 = new TextDecoder();

/**
 * `<stem>.npy` of (N, D), row for row `<stem>.jsonl` with `{id, paper_id, paragraph_index, text, …metadata}`, and
 * `<stem>.metadata.json` with `{model_name, embedding_dim, num_paragraphs, processing_time, batch_size}`.
 */
export class NpySingleEncoder implements ShardEncoder {
  readonly #options: ShardOptions;
  readonly #scanner = new EmbeddingScanner();
  readonly #fingerprints = new FingerprintSet();
  readonly #vectors: NpyVectors;
  readonly #lines: TextFile;
  readonly #json: JsonWriter;
  #rows = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;

  constructor(options: ShardOptions & { readonly dtype: VectorDtype }) {
    this.#options = options;
    this.#vectors = new NpyVectors(options);
    this.#lines = new TextFile(options.stagingFolder, 'none');
    this.#json = new JsonWriter((chunk) => {
      this.#lines.write(chunk);
    });
  }

  write(rows: ShardRows): void {
    const scanner = this.#scanner;
    for (let i = 0; i < rows.offsets.length; i++) {
      scanRow(scanner, rows, i, this.#options.dimension);
      this.#vectors.take(scanner);
      this.#writeLine();
      this.#rows++;
      const createdMs = scanner.createdAtHigh * TWO_32 + (scanner.createdAtLow >>> 0);
      this.#firstMs = Math.min(this.#firstMs, createdMs);
      this.#lastMs = Math.max(this.#lastMs, createdMs);
      this.#fingerprints.add(scanner.bytes, scanner.fingerprintStart);
    }
  }

  finish(stem: string): FinishedShard {
    this.#json.flush();
    const files = [this.#description(stem), this.#lines.finish(`${stem}.jsonl`), this.#vectors.finish(stem)];
    return { files, fingerprints: this.#fingerprints.sorted() };
  }

  abort(): void {
    this.#vectors.abort();
    this.#lines.abort();
  }

  #writeLine(): void {
    const scanner = this.#scanner;
    const json = this.#json;
    json.raw('{"id":');
    writeId(json, scanner);
    const members = [...metadataMembers(scanner, (key) => (RESERVED.has(key) ? `metadata.${key}` : key))];
    json.raw(paragraphOf(scanner, members));
    if (scanner.textStart >= 0) {
      json.raw(',"text":');
      writeText(json, scanner);
    }
    for (const member of members) if (!isParagraphKey(member.key)) json.raw(`,${member.json}`);
    json.raw('}\n');
  }

  #description(stem: string): StagedFile {
    const { stagingFolder, model, dimension } = this.#options;
    const description = {
      ...{ model_name: model, embedding_dim: dimension, num_paragraphs: this.#rows },
      // From the first embedding to the last, in seconds.
      processing_time: this.#rows === 0 ? 0 : (this.#lastMs - this.#firstMs) / 1000,
      // The log does not have it: a processor chooses batches by length.
      batch_size: null,
    };
    const file = new TextFile(stagingFolder, 'none');
    file.write(Buffer.from(`${JSON.stringify(description, null, 2)}\n`));
    return file.finish(`${stem}.metadata.json`);
  }
}

function isParagraphKey(key: string): boolean {
  return key === 'paper_id' || key === 'paragraph_index';
}

/** What the metadata has of it, or the id's parts (`<paper>#<paragraph>`). */
function paragraphOf(scanner: EmbeddingScanner, members: readonly { key: string; json: string }[]): string {
  const id = utf8.decode(scanner.bytes.subarray(scanner.idStart, scanner.idEnd));
  const [, paper = id, paragraph = '0'] = PARAGRAPH.exec(id) ?? [];
  const valueOf = (key: string, otherwise: string): string => {
    const member = members.find((each) => each.key === key);
    return member === undefined ? otherwise : member.json.slice(member.json.indexOf('":') + 2);
  };
  return `,"paper_id":${valueOf('paper_id', JSON.stringify(paper))},"paragraph_index":${valueOf('paragraph_index', paragraph)}`;
}
