import type { S3 } from '@aws-sdk/client-s3';
import { parseS3Location } from './address.ts';
import { s3Fault } from './faults.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** With the client's back-off (100 ms, doubled, at most 20 s, full jitter) a server may be away for a minute. */
const MAX_ATTEMPTS = 12;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 120_000;

/** One bucket and the prefix that is worked under. The client is loaded with the first request. */
export class Bucket {
  readonly location: string;
  readonly name: string;
  readonly prefix: string;
  readonly #environment: Environment;
  #client: Promise<S3> | undefined;

  constructor(location: string, environment: Environment) {
    const { bucket, prefix } = parseS3Location(location);
    this.location = location;
    this.name = bucket;
    this.prefix = prefix;
    this.#environment = environment;
  }

  key(name: string): string {
    return this.prefix + name;
  }

  /** A request. Errors: OBJECT_STORE_…; `mayFail`: the client's own pass through. */
  async ask<Answer>(doing: string, request: (s3: S3) => Promise<Answer>, mayFail = false): Promise<Answer> {
    const client = await (this.#client ??= connect(this.#environment));
    try {
      return await request(client);
    } catch (error) {
      if (mayFail) throw error;
      throw s3Fault(`${doing} in ${this.location}`, error);
    }
  }

  /** Sizes of the objects right under the prefix, by the rest of their names. */
  async sizes(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await this.ask('Listing objects', (s3) =>
        s3.listObjectsV2({
          ...{ Bucket: this.name, Prefix: this.prefix, Delimiter: '/' },
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      );
      for (const { Key = '', Size = 0 } of page.Contents ?? []) sizes.set(Key.slice(this.prefix.length), Size);
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    }
    return sizes;
  }

  async close(): Promise<void> {
    const client = await this.#client;
    client?.destroy();
  }
}

/** Credentials, region and endpoint are found by the client, as the AWS CLI does; path style is for other servers. */
async function connect(environment: Environment): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3');
  const isSet = (name: string): boolean => (environment[name] ?? '') !== '';
  const hasEndpoint = isSet('AWS_ENDPOINT_URL_S3') || isSet('AWS_ENDPOINT_URL');
  const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? (hasEndpoint ? 'us-east-1' : '');
  return new sdk.S3({
    ...(region !== '' && { region }),
    ...(hasEndpoint && { forcePathStyle: true }),
    ...(!isSet('AWS_MAX_ATTEMPTS') && { maxAttempts: MAX_ATTEMPTS }),
    followRegionRedirects: true,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  });
}
