import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { freePorts } from '../ports.ts';
import { logFileOf, spawnServer } from '../server-process.ts';
import type { Service, Way } from '../service.ts';
import { missingForS3, versityGateway } from './distribution.ts';

/** Everything may be done with these. */
export interface S3Server {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const CREDENTIALS = { accessKeyId: 'embedstream', secretAccessKey: 'secret-4d1f' };

export const s3Launched: Way<S3Server> = {
  name: 'launcher',
  keepsData: true,
  missing: missingForS3,
  fetch: async () => {
    await versityGateway();
  },
  async launch(folder, wanted) {
    const command = await versityGateway();
    const [buckets, sidecar] = ['buckets', 'attributes'].map((name) => join(folder, name)) as [string, string];
    for (const each of [buckets, sidecar]) mkdirSync(each, { recursive: true });
    const ports = await freePorts(1, wanted);
    const address = `127.0.0.1:${ports[0] ?? 0}`;
    // Not every file system of a temporary folder has extended attributes.
    const args = ['--quiet', '--port', address, 'posix', '--sidecar', sidecar, buckets];
    const env = { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey };
    return {
      address: { url: `http://${address}`, ...CREDENTIALS },
      ports,
      process: spawnServer({ folder, command, args, env }),
      logFile: logFileOf(folder),
    };
  },
};

/** Variables with which commands and clients find it. */
export function s3Environment({ url, accessKeyId, secretAccessKey }: S3Server): Record<string, string> {
  return { AWS_ENDPOINT_URL_S3: url, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** A client of the test's own, to look at what a sink has written. */
export function s3Client({ url, ...credentials }: S3Server, maxAttempts = 3): S3 {
  return new S3({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts });
}

/** An S3 server: the Versity gateway over a folder. */
export const s3: Service<S3Server> = {
  name: 's3',
  variable: 'S3_SERVER',
  usualPorts: [7070],
  ways: [s3Launched],
  exported: (server) =>
    Object.entries(s3Environment(server))
      .map((pair) => pair.join('='))
      .join(' '),
  /** `http://KEY:SECRET@HOST:PORT` */
  fromEnvironment(value) {
    const { origin, username, password } = new URL(value);
    return { url: origin, accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) };
  },
  async ask(server) {
    const client = s3Client(server, 1);
    try {
      await client.listBuckets({});
    } finally {
      client.destroy();
    }
  },
};
