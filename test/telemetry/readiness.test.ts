import { expect, it } from 'vitest';
import { Readiness } from '../../src/telemetry/readiness.ts';

it('is ready once nothing is pending, and never again after a stop', () => {
  const readiness = new Readiness();
  expect(readiness.reasons).toEqual([]);
  const log = readiness.pending('the log');
  const model = readiness.pending('the model');
  expect(readiness.reasons).toEqual(['the log', 'the model']);
  log();
  log();
  expect(readiness.reasons).toEqual(['the model']);
  model();
  expect(readiness.reasons).toEqual([]);
  readiness.stop('stopping');
  readiness.pending('the log')();
  readiness.stop('again');
  expect(readiness.reasons).toEqual(['stopping']);
});
