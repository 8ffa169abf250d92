import { basename, dirname, resolve } from 'node:path';
import { isS3Location, normalS3Location } from '../../s3/address.ts';
import { folderSegment } from '../../shard-name.ts';
import type { StoreOptions } from '../port.ts';

const SUFFIX = '.lance';
const DEFAULT_FOLDER = 'data/lancedb';

/** `<database>/<model>.lance`: a folder, absolute, or `s3://bucket/prefix`; a table a model. @throws UsageError */
export function locateTable(options: StoreOptions, model: string): string {
  const given = typeof options['lancedbUri'] === 'string' ? options['lancedbUri'] : DEFAULT_FOLDER;
  const database = isS3Location(given) ? normalS3Location(given) : resolve(given);
  return `${database}/${folderSegment(model)}${SUFFIX}`;
}

export interface TableLocation {
  readonly database: string;
  readonly table: string;
}

/** What `locateTable` has answered. */
export function parseLocation(location: string): TableLocation {
  return { database: dirname(location), table: basename(location, SUFFIX) };
}

/** For a database in a bucket: as the other outputs reach it, by AWS_… variables. */
export function storageOptions(
  database: string,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> | undefined {
  if (!isS3Location(database)) return undefined;
  const endpoint = environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'];
  const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? (endpoint && 'us-east-1');
  const options = {
    aws_access_key_id: environment['AWS_ACCESS_KEY_ID'],
    aws_secret_access_key: environment['AWS_SECRET_ACCESS_KEY'],
    aws_session_token: environment['AWS_SESSION_TOKEN'],
    aws_region: region,
    aws_endpoint: endpoint,
    allow_http: endpoint?.startsWith('http://') === true ? 'true' : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter((pair): pair is [string, string] => (pair[1] ?? '') !== ''));
}
