import { fatalError, messageOf, PipelineError, poisonError } from '../../../errors.ts';
import { MAX_ID_BYTES } from './fields.ts';

/** Every class of failure, by what answered. Pure: `where` is the server, `what` the request in words. */

const MAX_REASON_CHARS = 500;

export interface ElasticError {
  readonly type?: string;
  readonly reason?: string;
  readonly caused_by?: ElasticError;
}

/** No answer came, or none of Elasticsearch. `error` is the client's. */
export function connectionFault(where: string, what: string, error: unknown): PipelineError {
  const reason = messageOf(error) || 'no connection';
  // The client keeps the message of TLS, and not its code.
  if (/certificate|altname|self[- ]signed/i.test(reason))
    return fatalError(
      'ELASTIC_CERTIFICATE',
      `The certificate of Elasticsearch at ${where} is not accepted (${reason}). Give the authority that signed it ` +
        'as --es-tls-ca, and the name that it was made for in --es-url.',
      error,
    );
  const name = error instanceof Error ? error.name : '';
  if (name === 'ProductNotSupportedError' || name === 'DeserializationError')
    return fatalError(
      'ELASTIC_OTHER_SERVER',
      `What answers ${what} at ${where} is not Elasticsearch: check --es-url.`,
      error,
    );
  return new PipelineError(
    'ELASTIC_UNREACHABLE',
    `Elasticsearch at ${where} did not answer ${what}: ${reason}. Start it, or check --es-url.`,
    { retriable: true, cause: error },
  );
}

/** An answer that is no success, to a whole request. */
export function responseFault(where: string, what: string, status: number, body: unknown): PipelineError {
  const error = errorOf(body);
  const reason = `${status}: ${reasonOf(error)}`;
  if (status === 401)
    return fatalError(
      'ELASTIC_NOT_AUTHORIZED',
      `Elasticsearch at ${where} does not know who asks for ${what} (${reason}). Check ELASTICSEARCH_API_KEY, or ` +
        'ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD.',
    );
  const blocked = blockFault(where, error);
  if (blocked !== undefined) return blocked;
  if (status === 403)
    return fatalError(
      'ELASTIC_FORBIDDEN',
      `Elasticsearch at ${where} does not allow ${what} (${reason}). Give this user or key the privileges "monitor" of the ` +
        'cluster and "all" of the index, NAME and NAME-*.',
    );
  if (status === 404 && error.type === 'index_not_found_exception') return indexGone(where, reasonOf(error));
  if (status === 429) return busy(where, what, reason);
  if (status >= 500 || status === 408)
    return new PipelineError(
      'ELASTIC_UNAVAILABLE',
      `Elasticsearch at ${where} can't serve ${what} now (${reason}): its log says more.`,
      { retriable: true },
    );
  if (status === 413)
    return fatalError(
      'ELASTIC_TOO_LARGE',
      `Elasticsearch at ${where} refuses the size of ${what} (${reason}): see its http.max_content_length.`,
    );
  return fatalError('ELASTIC_REFUSED', `Elasticsearch at ${where} refuses ${what} (${reason}).`);
}

/** What an action of a bulk request came to that did not succeed. */
export type ItemVerdict =
  | { readonly kind: 'missing' | 'conflict' }
  | { readonly kind: 'again' | 'refused' | 'stop'; readonly error: PipelineError };

export function judgeItem(where: string, id: string, status: number, error: ElasticError): ItemVerdict {
  const reason = reasonOf(error);
  if (status === 409) return { kind: 'conflict' };
  if (status === 404)
    return error.type === 'index_not_found_exception'
      ? { kind: 'stop', error: indexGone(where, reason) }
      : { kind: 'missing' };
  const blocked = blockFault(where, error);
  if (blocked !== undefined) return { kind: blocked.retriable ? 'again' : 'stop', error: blocked };
  if (status === 429) return { kind: 'again', error: busy(where, 'a bulk request', `429: ${reason}`) };
  if (status >= 500) return { kind: 'again', error: responseFault(where, 'a bulk request', status, { error }) };
  // Neither is about one document.
  if (status !== 400 || /number of documents in the (index|shard)/.test(reason))
    return { kind: 'stop', error: responseFault(where, 'a bulk request', status, { error }) };
  return { kind: 'refused', error: documentRefused(id, reason) };
}

function documentRefused(id: string, reason: string): PipelineError {
  return poisonError(
    'ELASTIC_DOCUMENT_REFUSED',
    `Elasticsearch refuses the document "${id}": ${reason}. Mend the record, or give its field another type with ` +
      '--es-mapping=FIELD:TYPE and fill a new index with --force.',
  );
}

export function documentTooLarge(id: string, bytes: number): PipelineError {
  return poisonError(
    'ELASTIC_DOCUMENT_TOO_LARGE',
    `The document "${id}" makes a request of ${bytes} bytes, which is more than Elasticsearch takes: split its text, or ` +
      'raise http.max_content_length there.',
  );
}

/** undefined where it may be an `_id`. */
export function idFault(id: string): PipelineError | undefined {
  // No character has more than three bytes for each of its code units.
  if (id.length * 3 <= MAX_ID_BYTES) return undefined;
  const bytes = Buffer.byteLength(id);
  if (bytes <= MAX_ID_BYTES) return undefined;
  return poisonError(
    'ELASTIC_ID_TOO_LONG',
    `The id "${id.slice(0, 40)}…" has ${bytes} bytes; Elasticsearch takes ${MAX_ID_BYTES} at most.`,
  );
}

function indexGone(where: string, reason: string): PipelineError {
  return fatalError(
    'ELASTIC_INDEX_GONE',
    `The index that is written to at ${where} is not there any more (${reason}): somebody has deleted it. Fill a new one ` +
      'with --force.',
  );
}

function busy(where: string, what: string, reason: string): PipelineError {
  return new PipelineError(
    'ELASTIC_BUSY',
    `Elasticsearch at ${where} has no room for ${what} (${reason}). Give it more resources, or lower --es-in-flight or ` +
      '--es-bulk-bytes.',
    { retriable: true },
  );
}

function blockFault(where: string, error: ElasticError): PipelineError | undefined {
  if (error.type !== 'cluster_block_exception') return undefined;
  const reason = reasonOf(error);
  if (/flood-stage|read-only-allow-delete|read-only \/ allow delete/.test(reason))
    return new PipelineError(
      'ELASTIC_DISK_FULL',
      `A disk of Elasticsearch at ${where} is full, so that it takes no more (${reason}). Free space there.`,
      { retriable: true },
    );
  if (/no master|state not recovered/.test(reason))
    return new PipelineError('ELASTIC_UNAVAILABLE', `Elasticsearch at ${where} has no master now (${reason}).`, {
      retriable: true,
    });
  return fatalError(
    'ELASTIC_INDEX_BLOCKED',
    `The index at ${where} is closed to writes (${reason}): remove the block in its settings.`,
  );
}

function errorOf(body: unknown): ElasticError {
  if (typeof body === 'object' && body !== null && 'error' in body) {
    const { error } = body;
    if (typeof error === 'object' && error !== null) return error;
    return { reason: String(error) };
  }
  return { reason: typeof body === 'string' && body !== '' ? body : 'no reason given' };
}

/** With its causes, since the first often only says that something failed. */
function reasonOf(error: ElasticError): string {
  const reasons: string[] = [];
  for (let each: ElasticError | undefined = error; each !== undefined; each = each.caused_by) {
    const reason = each.reason ?? each.type ?? 'no reason given';
    if (!reasons.some((earlier) => earlier.includes(reason))) reasons.push(reason);
  }
  return reasons.join(': ').slice(0, MAX_REASON_CHARS);
}
