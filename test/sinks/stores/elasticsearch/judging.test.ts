import { describe, expect, it } from 'vitest';
import {
  connectionFault,
  idFault,
  judgeItem,
  responseFault,
} from '../../../../src/sinks/stores/elasticsearch/faults.ts';
import { formatLocation, parseLocation } from '../../../../src/sinks/stores/elasticsearch/location.ts';
import { inferredType } from '../../../../src/sinks/stores/elasticsearch/mapping.ts';
import { readOptions } from '../../../../src/sinks/stores/elasticsearch/options.ts';

const WHERE = 'http://localhost:9200';

describe('an answer to a whole request', () => {
  const blocked = (reason: string): unknown => ({ error: { type: 'cluster_block_exception', reason } });
  for (const [status, body, code, retriable] of [
    [401, {}, 'ELASTIC_NOT_AUTHORIZED', false],
    [403, { error: { reason: 'no rights' } }, 'ELASTIC_FORBIDDEN', false],
    [403, blocked('index [a] blocked by: [FORBIDDEN/8/index write (api)];'), 'ELASTIC_INDEX_BLOCKED', false],
    [429, blocked('[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]'), 'ELASTIC_DISK_FULL', true],
    [503, blocked('blocked by: [SERVICE_UNAVAILABLE/2/no master];'), 'ELASTIC_UNAVAILABLE', true],
    [404, { error: { type: 'index_not_found_exception', reason: 'no such index [a]' } }, 'ELASTIC_INDEX_GONE', false],
    [404, { error: 'no handler found' }, 'ELASTIC_REFUSED', false],
    [429, {}, 'ELASTIC_BUSY', true],
    [502, '<html>', 'ELASTIC_UNAVAILABLE', true],
    [504, '', 'ELASTIC_UNAVAILABLE', true],
    [413, '', 'ELASTIC_TOO_LARGE', false],
    [400, { error: { reason: 'all shards failed', caused_by: { reason: 'the cause' } } }, 'ELASTIC_REFUSED', false],
  ] as const)
    it(`${status} ${JSON.stringify(body)} is ${code}`, () => {
      const fault = responseFault(WHERE, 'a bulk request', status, body);
      expect(fault).toMatchObject({ code, retriable, poison: false });
      expect(fault.message).toContain(WHERE);
      if (status === 400) expect(fault.message).toContain('all shards failed: the cause');
    });
});

describe('what an action came to', () => {
  for (const [status, type, kind, code] of [
    [409, 'version_conflict_engine_exception', 'conflict', undefined],
    [404, 'document_missing_exception', 'missing', undefined],
    [404, 'index_not_found_exception', 'stop', 'ELASTIC_INDEX_GONE'],
    [429, 'es_rejected_execution_exception', 'again', 'ELASTIC_BUSY'],
    [503, 'unavailable_shards_exception', 'again', 'ELASTIC_UNAVAILABLE'],
    [400, 'document_parsing_exception', 'refused', 'ELASTIC_DOCUMENT_REFUSED'],
    [403, 'security_exception', 'stop', 'ELASTIC_FORBIDDEN'],
  ] as const)
    it(`${status} ${type} is ${kind}`, () => {
      const verdict = judgeItem(WHERE, 'id', status, { type, reason: 'the reason' });
      expect(verdict.kind).toBe(kind);
      if ('error' in verdict) expect(verdict.error).toMatchObject({ code, poison: kind === 'refused' });
    });

  it('is no fault of a document when the shard is full', () => {
    const reason = 'number of documents in the shard cannot exceed [2147483519]';
    expect(judgeItem(WHERE, 'id', 400, { type: 'illegal_argument_exception', reason }).kind).toBe('stop');
  });
});

it('takes for untrusted what TLS says of certificates, and for away everything else', () => {
  const messages = {
    ELASTIC_CERTIFICATE: ['self-signed certificate', "Hostname/IP does not match certificate's altnames"],
    ELASTIC_UNREACHABLE: ['connect ECONNREFUSED', ''],
  };
  for (const [code, all] of Object.entries(messages))
    for (const message of all) expect(connectionFault(WHERE, 'it', new Error(message))).toMatchObject({ code });
});

it('refuses ids that are longer than Elasticsearch takes, in bytes', () => {
  expect(idFault('x'.repeat(512))).toBeUndefined();
  expect(idFault('ü'.repeat(256))).toBeUndefined();
  expect(idFault('ü'.repeat(257))).toMatchObject({ code: 'ELASTIC_ID_TOO_LONG', poison: true });
});

it('infers types from all values of a field', () => {
  const type = (...values: unknown[]): unknown => inferredType(values)?.['type'];
  expect(type(1, 2n, null)).toBe('long');
  expect(type(1, 2.5)).toBe('double');
  expect(type(true, false)).toBe('boolean');
  expect(type(true, 1)).toBe('text');
  expect(type('1', 1)).toBe('text');
  expect(type(null)).toBeUndefined();
});

it('gives a place a name that is read again', () => {
  expect(formatLocation('https://Search.example:9200/', 'products')).toBe('https://search.example:9200/products');
  const location = formatLocation('https://host/behind/a/path/', 'prödukte');
  expect(parseLocation(location)).toEqual({ node: 'https://host/behind/a/path', alias: 'prödukte' });
});

it('reads types of fields', () => {
  const { metadataTypes } = readOptions({ esMapping: ['price:double', 'a:b:keyword'] });
  expect([...metadataTypes]).toEqual([
    ['price', 'double'],
    ['a:b', 'keyword'],
  ]);
  expect(() => readOptions({ esMapping: ['price'] })).toThrow('--es-mapping=price');
});
