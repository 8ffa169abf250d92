import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, it } from 'vitest';
import { describeWithService, securedElasticsearch, type SecuredElasticsearch } from '../../../services/index.ts';
import { contentsOf, embedding, fill, openStore, type OpenOptions } from './open-store.ts';
import { newAlias } from './server.ts';

it('sends an API key, and no user beside it', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.writeHead(200, { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' });
    response.end(JSON.stringify({ version: { number: '9.4.3' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const environment = {
    ELASTICSEARCH_API_KEY: 'a2V5OnNlY3JldA==',
    ELASTICSEARCH_USERNAME: 'u',
    ELASTICSEARCH_PASSWORD: 'p',
  };
  const { store } = await openStore(`http://127.0.0.1:${port}`, newAlias(), { environment });
  await store.close();
  await new Promise((resolve) => server.close(resolve));
  expect(seen).toEqual(['ApiKey a2V5OnNlY3JldA==']);
});

it('needs a password with a user, and a user with a password', async () => {
  const opened = (environment: Record<string, string>): Promise<unknown> =>
    openStore('http://127.0.0.1:9', newAlias(), { environment });
  await expect(opened({ ELASTICSEARCH_USERNAME: 'u' })).rejects.toThrow('ELASTICSEARCH_PASSWORD');
  await expect(opened({ ELASTICSEARCH_PASSWORD: 'p' })).rejects.toThrow('ELASTICSEARCH_USERNAME');
  await expect(openStore('http://127.0.0.1:9', newAlias(), { esTlsCa: '/not/there' })).rejects.toThrow('--es-tls-ca');
});

describeWithService('secured-elasticsearch', 'an Elasticsearch with TLS and users', () => {
  let secured: SecuredElasticsearch;
  beforeAll(async () => {
    secured = await securedElasticsearch();
  });
  const as = ({ username, password }: { readonly username: string; readonly password: string }): OpenOptions => ({
    environment: { ELASTICSEARCH_USERNAME: username, ELASTICSEARCH_PASSWORD: password },
    esTlsCa: secured.certificates.caFile,
    esRetryFor: 1,
  });

  it('is written to by whoever may', async () => {
    const { store } = await openStore(secured.url, newAlias(), as(secured.user));
    expect(await fill(store, { embeddings: [embedding(0, 'a')] })).toEqual([]);
    expect(await contentsOf(store)).toHaveLength(1);
    await store.close();
  });

  it('is not reached by whoever may not, who is told what to mend and never a password', async () => {
    const wrong = { ...secured.user, password: 'wrong-secret-1' };
    const failures = [
      await failureOf(openStore(secured.url, newAlias(), as(wrong))),
      await failureOf(openStore(secured.url, newAlias(), { ...as(secured.user), environment: {} })),
    ];
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'ELASTIC_NOT_AUTHORIZED', retriable: false });
      expect(failure.message).toContain('ELASTICSEARCH_API_KEY');
      expect(JSON.stringify(failure) + failure.message).not.toMatch(/wrong-secret|elastic-secret/);
    }
    const { store } = await openStore(secured.url, newAlias(), as(secured.reader));
    const forbidden = await failureOf(store.prepare('keep'));
    expect(forbidden).toMatchObject({ code: 'ELASTIC_FORBIDDEN', retriable: false });
    expect(forbidden.message).toMatch(/reader.*privileges/s);
    await store.close();
  });

  it('is not trusted without its authority, nor under another name', async () => {
    const { strangerCaFile } = secured.certificates;
    const options = as(secured.user);
    for (const esTlsCa of [strangerCaFile, undefined]) {
      const failure = await failureOf(openStore(secured.url, newAlias(), { ...options, esTlsCa }));
      expect(failure).toMatchObject({ code: 'ELASTIC_CERTIFICATE', retriable: false });
      expect(failure.message).toContain('--es-tls-ca');
    }
    const other = await failureOf(openStore(secured.url.replace('127.0.0.1', '127.0.0.2'), newAlias(), options));
    expect(other.message).toMatch(/ELASTIC_UNREACHABLE|did not answer|certificate/);
    const plain = await failureOf(openStore(secured.url.replace('https', 'http'), newAlias(), options));
    expect(plain).toMatchObject({ code: expect.stringMatching(/ELASTIC_(UNREACHABLE|OTHER_SERVER)/) as string });
    const noPem = join(tmpdir(), `${newAlias()}.pem`);
    writeFileSync(noPem, 'nothing');
    await expect(openStore(secured.url, newAlias(), { ...options, esTlsCa: noPem })).rejects.toThrow('--es-tls-ca');
  });
});

async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => {
      throw new Error('It did not fail');
    },
    (error: unknown) => error as Error,
  );
}
