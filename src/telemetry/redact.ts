/** Keeps secrets out of what is printed: values under secret-looking keys, and passwords inside URLs. */

export const REDACTED = '[redacted]';

/** Last word of a key, so that `apiToken` is a secret and `tokenCount` is not. */
const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'authorization',
  'cookie',
  'credential',
  'credentials',
  'apikey',
]);
const KEY_PREFIXES = new Set(['api', 'access', 'private', 'secret', 'auth', 'encryption', 'signing']);
const MAX_DEPTH = 6;

export function isSecretKey(key: string): boolean {
  const words = key
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (SECRET_WORDS.has(last)) return true;
  return last === 'key' && KEY_PREFIXES.has(words.at(-2) ?? '');
}

/** `https://user:pass@host` -> `https://[redacted]@host`, also inside longer text; and secret query parameters. */
export function redactText(text: string): string {
  return text
    .replace(/([a-z][a-z\d+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${REDACTED}@`)
    .replace(/([?&][\w.-]*(?:key|token|secret|password|signature)=)[^&\s"']+/gi, `$1${REDACTED}`)
    .replace(/\b(Bearer|Basic) [\w.~+/=-]{8,}/g, `$1 ${REDACTED}`);
}

/** A copy without secrets, JSON-able: bigints and errors become text, cycles and great depth `…`. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return value.toJSON();
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    const name = String(key);
    copy[name] = isSecretKey(name) && item !== undefined && item !== null ? REDACTED : redact(item, depth + 1);
  }
  return copy;
}

/** Only these properties: an HTTP client's error carries its request, headers and all. */
function describeError(error: Error, depth: number): unknown {
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    message: redactText(error.message),
    stack: redactText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}
