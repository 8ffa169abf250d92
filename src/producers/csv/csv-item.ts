import { fatalError } from '../../errors.ts';
import type { Metadata, RecordId } from '../../record/types.ts';
import type { ReferringItem } from '../image/image-reference.ts';
import type { RowStream } from './row-stream.ts';
import type { Transcoder } from './transcoder.ts';

/** What a row says. */
export interface CsvRow {
  readonly id: RecordId;
  /** May be empty. */
  readonly text: string;
  readonly metadata: Metadata;
  readonly imageReference: string | undefined;
}

/** A good row. Its original bytes are looked up when they are asked for: hardly any row's ever are. */
export class CsvItem implements ReferringItem {
  readonly kind = 'item';
  readonly id: RecordId;
  readonly text?: string;
  readonly imageReference?: string;
  readonly metadata: Metadata;
  readonly line: number;
  readonly #stream: RowStream;
  readonly #transcoder: Transcoder;
  readonly #generation: number;
  readonly #from: number;
  readonly #end: number;

  /** @param what an empty text is none */
  constructor(stream: RowStream, transcoder: Transcoder, { id, text, metadata, imageReference }: CsvRow) {
    this.id = id;
    if (text !== '') this.text = text;
    this.metadata = metadata;
    if (imageReference !== undefined) this.imageReference = imageReference;
    this.line = stream.line;
    this.#stream = stream;
    this.#transcoder = transcoder;
    this.#generation = stream.generation;
    this.#from = stream.from;
    this.#end = stream.scanner.end;
  }

  /** Throws SOURCE_ITEM_STALE once the next batch has been asked for: the bytes are gone then. */
  get raw(): Uint8Array {
    if (this.#generation !== this.#stream.generation) {
      throw fatalError('SOURCE_ITEM_STALE', `The bytes of line ${this.line} were asked for after the next batch.`);
    }
    return this.#transcoder.original(this.#stream.window.subarray(this.#from, this.#end));
  }
}
