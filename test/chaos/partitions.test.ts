import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { partitions } from './partitions.ts';
import { describeWithPython } from '../python/with-python.ts';

describeWithPython('partitions that somebody adds to a running system', () => {
  describeWithService('kafka', 'on Kafka', () => {
    it('stop it before anything is in a wrong place, and the mend loses, doubles and embeds nothing', async () => {
      const result = await partitions({ rounds: 1, seed: 1, say: saidOnFailure() });
      expect(result['records']).toBeGreaterThan(500);
    }, 240_000);
  });
});
