import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KEY_ID = 'embedstream-test';
/** What the broker demands of a token. */
export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'kafka';

export interface TokenKeys {
  /** PEM. Whoever has it makes tokens. */
  readonly signingKeyFile: string;
  /** JSON Web Key Set with the public part: the broker reads it. */
  readonly jwksFile: string;
}

export function makeTokenKeys(folder: string): TokenKeys {
  mkdirSync(folder, { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signingKeyFile = join(folder, 'token-signing.key');
  const jwksFile = join(folder, 'jwks.json');
  writeFileSync(signingKeyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...jwk, kid: KEY_ID, use: 'sig', alg: 'RS256' }] }));
  return { signingKeyFile, jwksFile };
}

export interface TokenClaims {
  readonly subject: string;
  /** Seconds from now; below zero makes a token that has expired. */
  readonly expiresInS?: number;
  readonly audience?: string;
}

/** A JSON Web Token (RFC 7519) signed with RS256, such as an OAuth server issues. */
export function signToken(
  signingKeyFile: string,
  { subject, expiresInS = 600, audience = AUDIENCE }: TokenClaims,
): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    aud: audience,
    sub: subject,
    iat: Math.min(now, now + expiresInS - 60),
    exp: now + expiresInS,
  };
  const content = [{ alg: 'RS256', typ: 'JWT', kid: KEY_ID }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = createPrivateKey(readFileSync(signingKeyFile));
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}
