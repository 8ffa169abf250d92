import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../java.ts';

const run = promisify(execFile);
const DAYS = '7';

export interface Certificates {
  /** PEM files. */
  readonly caFile: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** A client certificate of an authority that nobody knows. */
  readonly strangerCertFile: string;
  readonly strangerKeyFile: string;
  /** The authority that signed it; the broker's certificate is not of it. */
  readonly strangerCaFile: string;
  /** Key and certificate in one file, as Kafka reads them. */
  readonly brokerFile: string;
}

export function missingForCertificates(): string | undefined {
  return onPath('openssl') === undefined ? 'no openssl: install it' : undefined;
}

/** Two authorities, a broker (127.0.0.1 and localhost), and a client of each authority, in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true });
  await makeAuthority(folder, 'ca');
  await makeAuthority(folder, 'stranger-ca');
  await makeCertificate(folder, 'ca', 'broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  await makeCertificate(folder, 'ca', 'client');
  await makeCertificate(folder, 'stranger-ca', 'stranger');
  const file = (name: string): string => join(folder, name);
  const parts = ['broker.key', 'broker.pem', 'ca.pem'].map((name) => readFileSync(file(name), 'utf8'));
  writeFileSync(file('broker-with-key.pem'), parts.join(''), { mode: 0o600 });
  return {
    caFile: file('ca.pem'),
    clientCertFile: file('client.pem'),
    clientKeyFile: file('client.key'),
    strangerCertFile: file('stranger.pem'),
    strangerKeyFile: file('stranger.key'),
    strangerCaFile: file('stranger-ca.pem'),
    brokerFile: file('broker-with-key.pem'),
  };
}

async function makeAuthority(folder: string, name: string): Promise<void> {
  const subject = ['-subj', `/CN=embedstream test ${name}`];
  await openssl(folder, ['req', '-x509', ...newKey(name), ...subject, '-days', DAYS, '-out', `${name}.pem`]);
}

async function makeCertificate(folder: string, authority: string, name: string, extension = ''): Promise<void> {
  const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
  writeFileSync(join(folder, `${name}.ext`), `${extension}\n`);
  await openssl(folder, ['req', ...newKey(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`]);
  const signed = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-days', DAYS, '-out', `${name}.pem`];
  await openssl(folder, ['x509', '-req', ...signer, ...signed]);
}

function newKey(name: string): string[] {
  return ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
}

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  await run('openssl', args, { cwd: folder });
}
