import type { ShardRows } from './port.ts';
import type { EmbeddingScanner } from '../codec/embedding-scanner.ts';
import { fatalError, messageOf, PipelineError } from '../errors.ts';

/** Scans row `i`, and says at which offset when it is at fault. Errors: CODEC_CORRUPT, FILE_SINK_DIMENSION. */
export function scanRow(scanner: EmbeddingScanner, rows: ShardRows, i: number, dimension: number): void {
  try {
    scanner.scan(rows.bytes, rows.starts[i] ?? 0, rows.starts[i + 1] ?? 0);
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    const { code, retriable, poison } = error;
    throw new PipelineError(code, `${where(rows, i)}: ${messageOf(error)}`, { retriable, poison, cause: error });
  }
  if (scanner.dimension === dimension) return;
  const what = `the vector has ${scanner.dimension} dimensions, the sink was opened for ${dimension}`;
  const advice = 'The model behind this name has changed its dimension: give the new one a name of its own.';
  throw fatalError('FILE_SINK_DIMENSION', `${where(rows, i)}: ${what}. ${advice}`);
}

function where(rows: ShardRows, i: number): string {
  return `Embedding at offset ${rows.offsets[i] ?? -1}`;
}
