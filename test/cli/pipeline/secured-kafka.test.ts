import { randomUUID } from 'node:crypto';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService, securedKafka, type SecuredKafka } from '../../services/index.ts';
import { documentRow, HASHED, newPlace, numbers, onlyJson } from './runner.ts';
import type { Place } from './runner.ts';

const WRONG_PASSWORD = 'wrong-c41d';
/** Told at once; this is only less than a wait for something that does not come. */
const AT_ONCE_MS = 40_000;
/** The log waits 30 seconds for a right to come back; the rest is for the commands around it. */
const PATIENCE_MS = 180_000;

describeWithService('secured-kafka', 'the commands on a secured Kafka', () => {
  let server: SecuredKafka;
  let admin: Admin;
  beforeAll(async () => {
    server = await securedKafka();
    admin = new Kafka({ brokers: server.adminBrokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin.disconnect();
  });

  /** As a person would have it: secrets and addresses in the environment. */
  const environment = (password = server.user.password): Record<string, string> => ({
    KAFKA_BROKERS: server.saslBrokers.join(),
    KAFKA_TLS_CA: server.certificates.caFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: server.user.username,
    KAFKA_SASL_PASSWORD: password,
  });

  function writeDocuments(place: Place, count: number): void {
    const rows = numbers(0, count).map((i) => documentRow(i));
    place.writeRows('documents.csv', rows);
  }

  it('work, and say at no level what is secret', async () => {
    const place = newPlace();
    const namespace = `--namespace=secured-${randomUUID()}`;
    writeDocuments(place, 10);
    const outputs: string[] = [];
    for (const args of [['produce', '--source=documents.csv', '--partitions=2'], ['process', HASHED], ['status']]) {
      const words = [...args, namespace, '--log-level=debug', '--json'];
      const { code, stdout, stderr } = await place.start(words, { environment: environment() }).ended;
      expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
      outputs.push(stdout, stderr);
    }
    expect(onlyJson(outputs[2] ?? '').processed).toMatchObject([{ embedded: 10 }]);
    const all = outputs.join('\n');
    expect(all).toContain('kafkajs DEBUG [Connection] Connecting');
    for (const form of formsOf(server.user.password)) expect(all).not.toContain(form);
  });

  it('fail at once with a wrong password, and say whose', async () => {
    const place = newPlace();
    const startMs = performance.now();
    const words = ['status', '--log-level=debug'];
    const { code, stdout, stderr } = await place.start(words, { environment: environment(WRONG_PASSWORD) }).ended;
    expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`the broker refused user "${server.user.username}" (scram-sha-512)`);
    for (const form of formsOf(WRONG_PASSWORD)) expect(stderr).not.toContain(form);
  });

  it.each([
    ['to write to a topic', [AclOperationTypes.WRITE]],
    ['to see a topic at all', [AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE]],
  ])(
    'wait for a right %s that was taken away, then stop, and go on once it is back',
    async (_, operations) => {
      const place = newPlace();
      const name = `secured-${randomUUID()}`;
      const run = async (...words: string[]) => {
        const running = place.start([...words, `--namespace=${name}`, '--json'], { environment: environment() });
        const { code, stdout, stderr } = await running.ended;
        return { code, json: onlyJson(stdout, stderr), stderr };
      };
      writeDocuments(place, 10);
      expect(await run('produce', '--source=documents.csv', '--partitions=2')).toMatchObject({ code: 0 });
      expect(await run('process', HASHED)).toMatchObject({ code: 0 });
      writeDocuments(place, 15);
      expect(await run('produce', '--source=documents.csv')).toMatchObject({ code: 0 });

      const topic = `${name}.embeddings.hashed-384`;
      const entries = [
        // A resource with entries is closed to who has none.
        { operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
        ...operations.map((operation) => ({ operation, permissionType: AclPermissionTypes.DENY })),
      ].map((each) => ({
        ...each,
        resourceType: AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: `User:${server.user.username}`,
        host: '*',
      }));
      await admin.createAcls({ acl: entries });
      const refused = await run('process', HASHED);
      expect(refused).toMatchObject({ code: 1, json: { error: { code: 'LOG_NOT_AUTHORIZED' } } });
      expect(refused.json.error?.message).toContain(`user "${server.user.username}" may not do this`);
      expect(refused.json.error?.message).toContain(topic);

      await admin.deleteAcls({ filters: entries });
      const again = await run('process', HASHED);
      expect(again).toMatchObject({ code: 0, json: { processed: [{ embedded: 5, deadLettered: 0 }] } });
      expect(await run('reconcile')).toMatchObject({ code: 0, json: { differences: 0 } });
    },
    PATIENCE_MS,
  );
});

/** A text as it may stand in a line: itself, in hex, as a list of bytes, and in base64 wherever it begins in a group of three. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from('x'.repeat(shift) + secret)
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  return [secret, bytes.toString('hex'), [...bytes].join(), ...base64];
}
