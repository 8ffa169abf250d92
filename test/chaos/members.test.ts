import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { describeWithPython } from '../python/with-python.ts';
import { members } from './members.ts';

describeWithPython('members that die, freeze, leave and join', () => {
  describeWithService('kafka', 'on Kafka', () => {
    it('lose and double nothing', async () => {
      const result = await members({ rounds: 3, seed: 2, say: saidOnFailure() });
      expect(result['crash']).toBeGreaterThan(0);
      expect(result['freeze']).toBeGreaterThan(0);
      expect(result['deadLetters']).toBeGreaterThan(0);
    }, 180_000);
  });
});
