import { randomUUID } from 'node:crypto';
import { arrayIn, objectIn } from './answers.ts';
import { BulkBody } from './bulk-body.ts';
import type { Elastic } from './elastic.ts';
import { modelField } from './fields.ts';

/** Two processes may ask at once. */
const PROBE = 'embedstream-probe';
const TOLERANCE = 1e-6;

/**
 * Whether the server reads vectors as base64 of big-endian float32. One that reads them otherwise may take them silently
 * for garbage: so a document is written to `index`, which nobody searches yet, read back, and deleted.
 */
export async function readsBase64(
  elastic: Elastic,
  { index, model, dimension, hidesVectors }: ProbeTarget,
): Promise<boolean> {
  const field = modelField(model);
  const vector = unitVector(dimension);
  const path = `/${encodeURIComponent(index)}/_doc/${PROBE}-${randomUUID()}`;
  const bytes = new BulkBody(dimension, { asBase64: true }).vector(vector);
  bytes.endAction();
  const base64: unknown = JSON.parse(bytes.bytesOf([0]).toString());
  const what = 'a probe of its vectors';
  const body = { embeddings: { [field]: base64 } };
  const written = await elastic.ask({ method: 'PUT', path, body, what }, [400]);
  if (written.status === 400) return false;
  const query = hidesVectors ? { _source_exclude_vectors: false } : {};
  const read = await elastic.ask({ method: 'GET', path, query, what }, [400, 404]);
  const numbers = arrayIn(objectIn(objectIn(read.body, '_source'), 'embeddings'), field);
  await elastic.ask({ method: 'DELETE', path, what }, [404]);
  return numbers.length === dimension && numbers.every((n, i) => Math.abs(Number(n) - (vector[i] ?? 0)) <= TOLERANCE);
}

export interface ProbeTarget {
  readonly index: string;
  readonly model: string;
  readonly dimension: number;
  readonly hidesVectors: boolean;
}

/** Of length 1, and other numbers whichever way its bytes are read. */
function unitVector(dimension: number): Float32Array {
  const length = Math.sqrt((dimension * (dimension + 1) * (2 * dimension + 1)) / 6);
  return Float32Array.from({ length: dimension }, (_, i) => ((i % 2 === 0 ? 1 : -1) * (i + 1)) / length);
}
