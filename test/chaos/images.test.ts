import { expect, it } from 'vitest';
import { saidOnFailure } from '../said-on-failure.ts';
import { describeWithService } from '../services/index.ts';
import { images } from './images.ts';
import { describeWithPython } from '../python/with-python.ts';

describeWithPython('records with images of 4 MB', () => {
  describeWithService('kafka', 'on Kafka', () => {
    it('are all there once, in bounded memory', async () => {
      expect(await images({ rounds: 1, seed: 1, say: saidOnFailure() })).toMatchObject({ images: 40 });
    }, 180_000);
  });
});
