import { UsageError } from '../../errors.ts';

const SCHEME = 's3://';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export interface S3Address {
  readonly bucket: string;
  /** What all keys begin with: empty, or with a slash at its end. */
  readonly prefix: string;
}

export function isS3Location(location: string): boolean {
  return location.startsWith(SCHEME);
}

/** `s3://bucket/a//b/` as `s3://bucket/a/b`. @throws UsageError */
export function normalS3Location(location: string): string {
  const [bucket = '', ...folders] = location.slice(SCHEME.length).split('/');
  if (!BUCKET.test(bucket))
    throw new UsageError(`${location} names no bucket: write s3://BUCKET/PREFIX, the bucket in small letters.`);
  const names = folders.filter((name) => name !== '');
  if (names.some((name) => name === '.' || name === '..' || /[?#]/.test(name)))
    throw new UsageError(`${location}: a prefix has no "." or ".." in it, and neither "?" nor "#".`);
  return SCHEME + [bucket, ...names].join('/');
}

export function parseS3Location(location: string): S3Address {
  const [bucket = '', ...folders] = normalS3Location(location).slice(SCHEME.length).split('/');
  return { bucket, prefix: folders.map((name) => `${name}/`).join('') };
}
