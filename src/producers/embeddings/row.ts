import type { Metadata } from '../../record/types.ts';

/** A row of a file of embeddings, as the file has it; what the file does not say is left out. */
export interface ImportRow {
  readonly kind: 'row';
  readonly id: string;
  /** (D,) float32; may hold NaN and infinity. */
  readonly vector: Float32Array;
  /** The dimension that the row claims. */
  readonly dimension?: number;
  /** The model that the row claims. */
  readonly model?: string;
  readonly text?: string;
  readonly metadata: Metadata;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
  readonly tokenCount?: number;
  readonly truncated?: boolean;
  /** Hex, as in our own files. */
  readonly contentHash?: string;
  readonly fingerprint?: string;
  /** Of our own shards: of two rows with one id, the later one counts. */
  readonly offset?: number;
  /** 1-based line, or number of the row in the file. */
  readonly row: number;
  /** The row's bytes in the file, or what stands for them in a dead letter. */
  readonly raw: () => Uint8Array;
}

/** A row, or a whole file (row 0), that can't be imported. */
export interface ImportFault {
  readonly kind: 'fault';
  /** Stable, SCREAMING_SNAKE. */
  readonly code: string;
  /** What is wrong and what to do, with file and row. */
  readonly reason: string;
  readonly row: number;
  readonly raw: Uint8Array;
}

export interface ImportBatch {
  readonly rows: readonly (ImportRow | ImportFault)[];
  /** Since the start of the file, as it lies on the disk. */
  readonly bytesRead: number;
}

/** What is known of a file before its rows. */
export interface ImportHead {
  readonly format: string;
  readonly model?: string;
  readonly dimension?: number;
}

/** A file whose form is known. */
export interface ImportReader extends ImportHead {
  /**
   * Rows in file order; pulled once. Rejects for faults of the world only; a fault of the file itself is its last row.
   */
  read(signal?: AbortSignal): AsyncIterable<ImportBatch>;
}

/** Most of a row or file that a dead letter keeps. */
export const RAW_BYTES = 64 * 1024;

export function fault(code: string, reason: string, row: number, raw: Uint8Array): ImportFault {
  return { kind: 'fault', code, reason, row, raw: Uint8Array.from(raw.subarray(0, RAW_BYTES)) };
}
