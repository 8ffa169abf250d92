import { describe, expect, it } from 'vitest';
import { PipelineError, type FailureOutcome, failureOutcome } from '../../src/errors.ts';
import { ConfluentApi } from '../../src/registry/confluent-api.ts';
import type { RegistryConnection } from '../../src/registry/registry-connection.ts';
import { startFakeRegistry, type Mishap } from './fake-registry.ts';

const QUICK = { baseMs: 1, capMs: 2, maxAttempts: 4 };
const SCHEMA = '{"type":"record","name":"embedstream.X","fields":[{"name":"a","type":"int"}]}';

async function failureOf(call: Promise<unknown>): Promise<PipelineError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PipelineError)) throw new Error(`no PipelineError: ${String(error)}`);
  return error;
}

/** Everything of an error that could be printed. */
function allOf(error: unknown): string {
  const parts: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause)
    parts.push(each.stack ?? '', each.message, JSON.stringify(each, Object.getOwnPropertyNames(each)));
  return parts.join('\n');
}

describe('requests', () => {
  it('set a compatibility that another process is just setting once more', async () => {
    const registry = await startFakeRegistry();
    const api = new ConfluentApi({ url: registry.url, retry: QUICK });
    registry.mishaps.push(409);
    expect(await api.setCompatibility('s-value', 'BACKWARD')).toBe(true);
    expect(await api.compatibilityOf('s-value')).toBe('BACKWARD');
    registry.mishaps.push(409, 409);
    expect((await failureOf(api.setCompatibility('s-value', 'BACKWARD'))).code).toBe('REGISTRY_INCOMPATIBLE');
  });

  it('are the ones of the Confluent API', async () => {
    const registry = await startFakeRegistry();
    const api = new ConfluentApi({ url: `${registry.url}/` });
    expect(await api.idOf('s-value', SCHEMA)).toBeUndefined();
    expect(await api.latestSchema('s-value')).toBeUndefined();
    expect(await api.compatibilityOf('s-value')).toBeUndefined();
    expect(await api.setCompatibility('s-value', 'BACKWARD')).toBe(true);
    expect(await api.compatibilityOf('s-value')).toBe('BACKWARD');
    const id = await api.register('s-value', SCHEMA);
    expect(await api.idOf('s-value', SCHEMA)).toBe(id);
    expect(await api.latestSchema('s-value')).toBe(SCHEMA);
    expect(await api.schemaOf(id)).toEqual({ schema: SCHEMA });
    expect(await api.schemaOf(77)).toBeUndefined();
    expect(await api.incompatibilities('s-value', SCHEMA)).toBeUndefined();
    const more = SCHEMA.replace(']', ',{"name":"b","type":"int"}]');
    expect(await api.incompatibilities('s-value', more)).toEqual([expect.stringContaining('no matching field')]);
    expect(registry.requests).toEqual([
      'GET /subjects',
      'POST /subjects/s-value',
      'GET /subjects/s-value/versions/latest',
      'GET /config/s-value',
      'PUT /config/s-value',
      'GET /config/s-value',
      'POST /subjects/s-value/versions',
      'POST /subjects/s-value',
      'GET /subjects/s-value/versions/latest',
      `GET /schemas/ids/${id}`,
      'GET /schemas/ids/77',
      'POST /compatibility/subjects/s-value/versions/latest?verbose=true',
      'POST /compatibility/subjects/s-value/versions/latest?verbose=true',
    ]);
  });

  it.each<[string, Partial<RegistryConnection>, (url: string) => string]>([
    ['in the URL', {}, (url) => url.replace('//', '//an%40na:p%40ss%2Fword@')],
    ['beside it', { username: 'an@na', password: 'p@ss/word' }, (url) => url],
    [
      'beside it, before those in the URL',
      { username: 'an@na', password: 'p@ss/word' },
      (url) => url.replace('//', '//x:y@'),
    ],
  ])('carry the credentials %s', async (_, credentials, urlOf) => {
    const registry = await startFakeRegistry({ auth: 'an@na:p@ss/word' });
    const api = new ConfluentApi({ url: urlOf(registry.url), ...credentials });
    expect(await api.latestSchema('s-value')).toBeUndefined();
  });
});

describe('a registry that fails', () => {
  it.each<[Mishap]>([[500], [503], [429], [408], ['cut'], ['half'], ['silence']])(
    'in passing (%s) is asked again',
    async (mishap) => {
      const registry = await startFakeRegistry();
      const id = registry.add('s-value', SCHEMA);
      const retries: string[] = [];
      const retry = { ...QUICK, onRetry: ({ error }: { error: PipelineError }) => retries.push(error.code) };
      const api = new ConfluentApi({ url: registry.url, timeoutMs: 150, retry });
      await api.latestSchema('s-value');
      registry.mishaps.push(mishap, mishap);
      expect(await api.schemaOf(id)).toEqual({ schema: SCHEMA });
      expect(registry.requests.slice(-3)).toEqual(Array(3).fill(`GET /schemas/ids/${id}`));
      expect(retries).toEqual(['REGISTRY_UNREACHABLE', 'REGISTRY_UNREACHABLE']);
    },
  );

  it.each<[Mishap, string, FailureOutcome, number, RegExp]>([
    [500, 'REGISTRY_UNREACHABLE', 'retry', 4, /did not answer for its subjects: 500 answer 500/],
    ['cut', 'REGISTRY_UNREACHABLE', 'retry', 4, /socket hang up/],
    ['half', 'REGISTRY_UNREACHABLE', 'retry', 4, /no whole answer within 150 ms/],
    ['silence', 'REGISTRY_UNREACHABLE', 'retry', 4, /no whole answer within 150 ms/],
    [401, 'REGISTRY_NOT_AUTHORIZED', 'stop', 1, /SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD/],
    [403, 'REGISTRY_NOT_AUTHORIZED', 'stop', 1, /give this user the right/],
    [400, 'REGISTRY_REFUSED', 'stop', 1, /400 answer 400/],
    [422, 'REGISTRY_REFUSED', 'stop', 1, /422 answer 422/],
    [409, 'REGISTRY_INCOMPATIBLE', 'stop', 1, /answer 409/],
    [404, 'REGISTRY_NOT_CONFLUENT', 'stop', 1, /ccompat/],
    ['html', 'REGISTRY_NOT_CONFLUENT', 'stop', 1, /<html>a proxy/],
    ['plain-404', 'REGISTRY_NOT_CONFLUENT', 'stop', 1, /default backend/],
    ['object-404', 'REGISTRY_NOT_CONFLUENT', 'stop', 1, /: 404 no reason given\./],
  ])('for good (%s) is %s', async (mishap, code, outcome, requests, message) => {
    const registry = await startFakeRegistry();
    registry.always = mishap;
    const api = new ConfluentApi({ url: registry.url, timeoutMs: 150, retry: QUICK });
    const error = await failureOf(api.schemaOf(1));
    expect(error.code).toBe(code);
    expect(failureOutcome(error)).toBe(outcome);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(registry.url);
    expect(registry.requests).toHaveLength(requests);
  });

  it('is named with its address when nothing listens there', async () => {
    const registry = await startFakeRegistry();
    await registry.stop();
    const error = await failureOf(new ConfluentApi({ url: registry.url, retry: QUICK }).schemaOf(1));
    expect(error.code).toBe('REGISTRY_UNREACHABLE');
    expect(error.message).toMatch(/ECONNREFUSED.*check --schema-registry/);
  });

  it('does not take a 404 that is not a registry’s for an id that does not exist', async () => {
    const registry = await startFakeRegistry();
    const api = new ConfluentApi({ url: registry.url, retry: QUICK });
    await api.latestSchema('s-value');
    registry.always = 'plain-404';
    expect((await failureOf(api.schemaOf(1))).code).toBe('REGISTRY_NOT_CONFLUENT');
  });

  it('is asked no more once the run has failed', async () => {
    const registry = await startFakeRegistry();
    registry.always = 'silence';
    const run = new AbortController();
    const api = new ConfluentApi({ url: registry.url, retry: { ...QUICK, maxAttempts: 1000 } });
    const failure = failureOf(api.schemaOf(1, run.signal));
    run.abort();
    expect((await failure).code).toBe('REGISTRY_UNREACHABLE');
    expect(registry.requests.length).toBeLessThanOrEqual(1);
  });
});

describe('secrets', () => {
  it.each<[Mishap]>([[401], [500], ['cut'], ['html'], ['plain-404']])('are in no error (%s)', async (mishap) => {
    const registry = await startFakeRegistry();
    registry.always = mishap;
    const url = registry.url.replace('//', '//anna:hunter2%21@');
    const error = await failureOf(new ConfluentApi({ url, retry: QUICK }).schemaOf(1));
    expect(allOf(error)).not.toMatch(/hunter2|YW5uYTpodW50ZXIyIQ/);
    expect(error.message).toContain(registry.url);
  });

  it.each(['not a url:hunter2', 'ftp://anna:hunter2@host/', 'http://host/?key=hunter2', 'http://:hunter2@host'])(
    'are not in the refusal of %s',
    (url) => {
      let message = '';
      try {
        new ConfluentApi({ url });
      } catch (error) {
        message = (error as PipelineError).message;
      }
      expect(message).toMatch(/must be a URL|no user name/);
      expect(message).not.toContain('hunter2');
    },
  );
});
