import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PipelineError } from '../../../src/errors.ts';
import { oauthTokenProvider, type OAuthClient } from '../../../src/log/kafka/oauth-token.ts';

const SECRET = 'c+l/i=e:nt secret';
let server: Server | undefined;
afterEach(async () => {
  const ending = server;
  if (ending !== undefined) await new Promise((resolve) => ending.close(resolve));
  server = undefined;
});

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

async function clientOf(answer: Answer): Promise<OAuthClient> {
  const listening = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.setHeader('connection', 'close');
      answer(request, body, response);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/token?tenant=private`, clientId: 'the client', clientSecret: SECRET };
}

const say = (response: ServerResponse, status: number, json: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
};

async function failureOf(client: OAuthClient): Promise<PipelineError> {
  const error: unknown = await oauthTokenProvider(client)().catch((each: unknown) => each);
  if (!(error instanceof PipelineError)) throw new Error('it did not fail as it should', { cause: error });
  expect(error.message).not.toContain(SECRET);
  expect(error.message).not.toContain('private');
  return error;
}

describe('oauthTokenProvider', () => {
  it('asks by the client credentials grant', async () => {
    const asked: unknown[] = [];
    const client = await clientOf((request, body, response) => {
      asked.push(request.method, request.headers.authorization, body);
      say(response, 200, { access_token: 'abc', expires_in: 60 });
    });
    await expect(oauthTokenProvider({ ...client, scope: 'kafka read' })()).resolves.toBe('abc');
    const credentials = Buffer.from('the+client:c%2Bl%2Fi%3De%3Ant+secret').toString('base64');
    expect(asked).toEqual(['POST', `Basic ${credentials}`, 'grant_type=client_credentials&scope=kafka+read']);
  });

  it('asks once for all connections, and again when four fifths of the lifetime are over', async () => {
    let requests = 0;
    let nowMs = 1_000;
    const client = await clientOf((_request, _body, response) => {
      say(response, 200, { access_token: `token-${++requests}`, expires_in: 100 });
    });
    const token = oauthTokenProvider(client, () => nowMs);
    await expect(Promise.all([token(), token()])).resolves.toEqual(['token-1', 'token-1']);
    nowMs += 79_999;
    await expect(token()).resolves.toBe('token-1');
    nowMs += 1;
    await expect(token()).resolves.toBe('token-2');
  });

  it('asks each time where no lifetime is given', async () => {
    let requests = 0;
    const token = oauthTokenProvider(
      await clientOf((_request, _body, response) => {
        say(response, 200, { access_token: `token-${++requests}` });
      }),
    );
    await expect(token()).resolves.toBe('token-1');
    await expect(token()).resolves.toBe('token-2');
  });

  it('says who was refused, and where', async () => {
    const client = await clientOf((_request, body, response) => {
      say(response, 401, { error: 'invalid_client', error_description: `${body} ${SECRET}` });
    });
    const error = await failureOf(client);
    expect(error).toMatchObject({ code: 'LOG_NOT_AUTHENTICATED', retriable: false });
    expect(error.message).toContain(`${new URL(client.url).host} answered 401 (invalid_client) to client "the client"`);
  });

  it('waits for a server that is overloaded or away', async () => {
    const client = await clientOf((_request, _body, response) => {
      say(response, 503, {});
    });
    expect(await failureOf(client)).toMatchObject({ code: 'LOG_BUSY', retriable: true });
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    const away = await failureOf(client);
    expect(away).toMatchObject({ code: 'LOG_BUSY', retriable: true });
    expect(away.message).toContain('ECONNREFUSED');
  });

  it('takes its secret to no other address', async () => {
    const client = await clientOf((_request, _body, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
    const error = await failureOf(client);
    expect(error.message).toContain('redirect');
  });

  it.each([
    ['an answer without a token', {}],
    ['a token that is no header value', { access_token: 'a b\n' }],
  ])('refuses %s', async (_, json) => {
    const client = await clientOf((_request, _body, response) => {
      say(response, 200, json);
    });
    expect(await failureOf(client)).toMatchObject({ code: 'LOG_NOT_AUTHENTICATED', retriable: false });
  });
});
