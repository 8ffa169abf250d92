import { fatalError } from '../../errors.ts';
import type { Metadata, RecordId } from '../../record/types.ts';
import type { SourceItem } from '../port.ts';
import type { RowStream } from './row-stream.ts';
import type { Transcoder } from './transcoder.ts';

/** A good row. Its original bytes are looked up when they are asked for: hardly any row's ever are. */
export class CsvItem implements SourceItem {
  readonly kind = 'item';
  readonly id: RecordId;
  readonly text: string;
  readonly metadata: Metadata;
  readonly line: number;
  readonly #stream: RowStream;
  readonly #transcoder: Transcoder;
  readonly #generation: number;
  readonly #from: number;
  readonly #end: number;

  constructor(stream: RowStream, transcoder: Transcoder, id: RecordId, text: string, metadata: Metadata) {
    this.id = id;
    this.text = text;
    this.metadata = metadata;
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
