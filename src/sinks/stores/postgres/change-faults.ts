import { poisonError, type PipelineError } from '../../../errors.ts';
import type { EmbeddingChange } from '../port.ts';
import type { IdType } from './copy-rows.ts';
import type { TableShape } from './table.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Without signs and zeros before it: an id must be read back as it was written. */
const WHOLE = /^(?:0|-?[1-9]\d{0,18})$/;
const LONGEST = { int2: 2n ** 15n, int4: 2n ** 31n, int8: 2n ** 63n } as const;
/** Beyond it a float16 is infinite. */
const LARGEST_HALF = 65_519;

/** What is wrong with a change as far as the table takes it; the server is not asked. */
export function changeFault({ id, embedding }: EmbeddingChange, shape: TableShape): PipelineError | undefined {
  if (embedding === null) return undefined;
  const problem = idProblem(id, shape);
  if (problem !== undefined)
    return poisonError('PGVECTOR_ID', `The id ${JSON.stringify(id)} does not fit into ${shape.shownName}: ${problem}.`);
  const { vector } = embedding;
  if (vector.length !== shape.dimension)
    return poisonError(
      'PGVECTOR_DIMENSION',
      `The vector of ${JSON.stringify(id)} has ${vector.length} numbers, not ${shape.dimension}.`,
    );
  const most = shape.vectorType === 'halfvec' ? LARGEST_HALF : Number.MAX_VALUE;
  for (const value of vector)
    // Also NaN.
    if (!(Math.abs(value) <= most))
      return poisonError(
        'PGVECTOR_NUMBER',
        `The vector of ${JSON.stringify(id)} holds ${value}, which ${shape.vectorType} can't.`,
      );
  return undefined;
}

/** The deletion of what could never be written. */
export function isVain({ id, embedding }: EmbeddingChange, shape: TableShape): boolean {
  return embedding === null && idProblem(id, shape) !== undefined;
}

function idProblem(id: string, { idType, longestId }: TableShape): string | undefined {
  if (idType === 'text') {
    if (id.includes('\0')) return 'Postgres has no texts with NUL';
    return longestId !== undefined && Array.from(id).length > longestId
      ? `its column takes ${longestId} characters`
      : undefined;
  }
  if (idType === 'uuid') return UUID.test(id) ? undefined : 'its column takes UUIDs, in lower case';
  return isWhole(id, idType) ? undefined : `its column takes whole numbers (${idType})`;
}

function isWhole(id: string, type: Exclude<IdType, 'text' | 'uuid'>): boolean {
  if (!WHOLE.test(id)) return false;
  const value = BigInt(id);
  return value >= -LONGEST[type] && value < LONGEST[type];
}
