import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { registry } from './registry.ts';
import { describeWithPython } from '../python/with-python.ts';

describeWithPython('a schema registry that goes away', () => {
  describeWithService('kafka', 'on Kafka', () => {
    describeWithService('own-registry', 'under all commands', () => {
      it('keeps nobody from going on who knows the schemas, and nothing is lost or double', async () => {
        const result = await registry({ rounds: 1, seed: 1, say: saidOnFailure() });
        expect(result).toMatchObject({ registryKills: 1 });
        expect(result['live']).toBeGreaterThan(500);
      }, 240_000);
    });
  });
});
