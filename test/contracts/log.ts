import { afterEach, beforeEach, describe } from 'vitest';
import { appendingContract } from './log/appending.ts';
import { compactingContract } from './log/compacting.ts';
import { owningContract } from './log/owning.ts';
import type { LogFactory, LogPlace } from './log/place.ts';
import { runningContract } from './log/running.ts';
import { survivingContract } from './log/surviving.ts';

/** What every log must do. It speaks the port alone, and the factory for places and abilities. */
export function describeLogContract(name: string, factory: LogFactory): void {
  describe(`log contract: ${name}`, () => {
    let current: LogPlace | undefined;
    const place = (): LogPlace => {
      if (current === undefined) throw new Error('No place is open.');
      return current;
    };
    beforeEach(async () => {
      current = await factory.create();
    });
    afterEach(async () => {
      await current?.dispose();
      current = undefined;
    });

    describe('appending and reading', () => {
      appendingContract(factory, place);
    });
    describe('running tasks', () => {
      runningContract(factory, place);
    });
    describe('owning groups', () => {
      owningContract(factory, place);
    });
    describe('compacting', () => {
      compactingContract(factory, place);
    });
    describe('surviving', () => {
      survivingContract(factory, place);
    });
  });
}
