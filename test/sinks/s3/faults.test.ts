import { describe, expect, it } from 'vitest';
import { normalS3Location, parseS3Location } from '../../../src/sinks/s3/address.ts';
import { s3Fault } from '../../../src/sinks/s3/faults.ts';

function refused(name: string, status?: number): Error {
  return Object.assign(new Error('as the server says it.'), { name, $metadata: { httpStatusCode: status } });
}

describe('faults of object storage', () => {
  it.each([
    ['RequestTimeTooSkewed', 403, 'OBJECT_STORE_CLOCK_SKEW', false],
    ['CredentialsProviderError', undefined, 'OBJECT_STORE_NO_CREDENTIALS', false],
    ['ExpiredToken', 400, 'OBJECT_STORE_BAD_CREDENTIALS', false],
    ['AccessDenied', 403, 'OBJECT_STORE_ACCESS_DENIED', false],
    // Of a HEAD, which has no body.
    ['403', 403, 'OBJECT_STORE_ACCESS_DENIED', false],
    ['PermanentRedirect', 301, 'OBJECT_STORE_WRONG_REGION', false],
    // Of a part that is sent by who was taken over: its successor has aborted the upload.
    ['NoSuchUpload', 404, 'OBJECT_STORE_UPLOAD_GONE', false],
    ['SlowDown', 503, 'OBJECT_STORE_AWAY', true],
    ['InternalError', 500, 'OBJECT_STORE_AWAY', true],
    ['TimeoutError', undefined, 'OBJECT_STORE_AWAY', true],
    ['EntityTooLarge', 400, 'OBJECT_STORE_REFUSED', false],
  ])('%s (%s) is %s', (name, status, code, retriable) => {
    const fault = s3Fault('Listing', refused(name, status));
    expect(fault).toMatchObject({ code, retriable, poison: false });
    expect(fault.message).toContain(`Listing failed: as the server says it (${name}).`);
  });

  it('says that a region is missing', () => {
    expect(s3Fault('Listing', new Error('Region is missing'))).toMatchObject({ code: 'OBJECT_STORE_WRONG_REGION' });
  });
});

describe('locations in buckets', () => {
  it('are written in one way', () => {
    expect(normalS3Location('s3://bucket//a/b/')).toBe('s3://bucket/a/b');
    expect(normalS3Location('s3://bucket')).toBe('s3://bucket');
    expect(parseS3Location('s3://bucket/a/b')).toEqual({ bucket: 'bucket', prefix: 'a/b/' });
    expect(parseS3Location('s3://bucket/')).toEqual({ bucket: 'bucket', prefix: '' });
  });

  it.each(['s3://', 's3:///a', 's3://Bucket/a', 's3://bucket/../a', 's3://bucket/a?b', 's3://b'])(
    '%s is none',
    (location) => {
      expect(() => normalS3Location(location)).toThrow(/^s3:/);
    },
  );
});
