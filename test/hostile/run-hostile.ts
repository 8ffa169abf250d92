import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { expect } from 'vitest';
import { HASHED, type CommandJson, type Place } from '../cli/pipeline/runner.ts';
import { makeHostileCorpus, type ValidFile } from './hostile-corpus.ts';

const MOST_BYTES = 1e9;

/**
 * Embeds a hostile corpus of these files through the real command, twice, and holds it to what must be: no crash, no
 * hang (the test's own limit ends it), bounded memory, every record accounted for, nothing new the second time, and a
 * reconcile that adds up.
 */
export async function runHostile(place: Place, valid: readonly ValidFile[], ...flags: string[]): Promise<CommandJson> {
  makeHostileCorpus(place.folder, valid);
  chmodSync(place.folder, 0o755);
  try {
    const command = ['embed', '--source=corpus', HASHED, '--sink=parquet', ...flags];
    const first = await place.json(...command);
    // Damaged files are dead letters: the run ends with 1, and not by a signal or with a stack.
    expect(first).toMatchObject({ code: 1 });
    expect(first.stderr).not.toMatch(/\n\s+at \S+ \(/);
    expect(first.json.error).toBeUndefined();
    expect(first.json).toMatchObject({ mismatches: [], reconciliation: { differences: 0 } });
    expect((first.json as unknown as { peakMemoryBytes: number }).peakMemoryBytes).toBeLessThan(MOST_BYTES);
    const again = await place.json(...command);
    expect(again).toMatchObject({ code: 0 });
    expect(again.json.produced).toMatchObject([{ published: 0, newDeadLetters: 0 }]);
    expect(await place.done('reconcile')).toMatchObject({ differences: 0 });
    return first.json;
  } finally {
    // So that it can be removed.
    execFileSync('chmod', ['-R', 'u+rwX', place.path('corpus')]);
  }
}
