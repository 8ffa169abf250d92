import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService, type OwnServer, restartableElasticsearch } from '../index.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describeWithService('own-elasticsearch', 'an Elasticsearch of the test’s own', () => {
  let server: OwnServer<string>;
  beforeAll(async () => {
    server = await restartableElasticsearch();
  });
  afterAll(async () => {
    await server.remove();
  });

  it('has its data and its address after a kill', async () => {
    const { address } = server;
    const put = { method: 'PUT', headers: JSON_TYPE, body: '{"kept":true}' };
    expect((await fetch(`${address}/things/_doc/1`, put)).status).toBe(201);
    await server.kill();
    await expect(fetch(address)).rejects.toThrow();
    await server.start();
    expect(server.address).toBe(address);
    expect(await (await fetch(`${address}/things/_doc/1`)).json()).toMatchObject({ _source: { kept: true } });
  }, 180_000);
});
