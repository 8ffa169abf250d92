import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { authorisation } from './authorisation.ts';
import { describeWithPython } from '../python/with-python.ts';

describeWithPython('rights that are taken away in mid-run', () => {
  describeWithService('secured-kafka', 'of a group and of its transactional ids', () => {
    it('end a processor that says so, and a restart with the right completes', async () => {
      const result = await authorisation({ rounds: 2, seed: 1, say: saidOnFailure() });
      expect(result).toMatchObject({ rights: 2 });
    }, 240_000);
  });
});
