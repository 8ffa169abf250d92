import { createHash } from 'node:crypto';
import type { ModelFingerprint } from '../record/types.ts';

/** Everything that decides what vectors a model yields. */
export interface FingerprintParts {
  readonly model: string;
  /** SHA-256, lower-case hex, of each weights file by its name. */
  readonly weights: Readonly<Record<string, string>>;
  /** SHA-256, lower-case hex, of tokenizer.json; empty for a model without one. */
  readonly tokenizer: string;
  readonly dtype: string;
  readonly pooling: string;
  readonly normalise: boolean;
  readonly prefix: string;
  readonly dimension: number;
  readonly maxTokens: number;
  /** Moves whenever the same text would be cleaned, tokenised or truncated differently. */
  readonly preprocessing: string;
}

/** SHA-256 over the parts as canonical JSON: keys sorted, no white space. */
export function fingerprintOf(parts: FingerprintParts): ModelFingerprint {
  return createHash('sha256').update(canonicalJson(parts)).digest('hex') as ModelFingerprint;
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}
