import { randomBytes } from 'node:crypto';
import { Client, type QueryResult } from 'pg';
import { postgresUrl } from '../index.ts';

/** A database of a test file's own on the shared server. */
export class TestDatabase {
  readonly url: string;
  readonly name: string;
  readonly client: Client;
  readonly #server: string;

  private constructor(server: string, url: string, name: string) {
    this.#server = server;
    this.url = url;
    this.name = name;
    this.client = new Client({ connectionString: url });
  }

  /** `server`: left out, the one that all tests share. */
  static async create(server?: string): Promise<TestDatabase> {
    const address = server ?? (await postgresUrl());
    const name = `test_${randomBytes(6).toString('hex')}`;
    await once(address, `create database ${name}`);
    const url = new URL(address);
    url.pathname = `/${name}`;
    const database = new TestDatabase(address, url.href, name);
    // Of a server that the test kills.
    database.client.on('error', () => undefined);
    await database.client.connect();
    return database;
  }

  /** One more connection, which the caller ends. */
  static async connect(url: string): Promise<Client> {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<QueryResult<Row>> {
    return this.client.query<Row>(text, values);
  }

  async drop(): Promise<void> {
    await this.client.end();
    await once(this.#server, `drop database ${this.name} with (force)`);
  }
}

async function once(connectionString: string, text: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
