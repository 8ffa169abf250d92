import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { broker } from './broker.ts';
import { describeWithPython } from '../python/with-python.ts';

describeWithPython('a broker that is killed and comes back', () => {
  describeWithService('own-kafka', 'under all commands', () => {
    it('costs no record that was acknowledged, and doubles none', async () => {
      const result = await broker({ rounds: 2, seed: 1, say: saidOnFailure() });
      expect(result).toMatchObject({ brokerKills: 2 });
      expect(result['live']).toBeGreaterThan(1_000);
    }, 240_000);
  });
});
