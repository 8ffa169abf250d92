import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Material beside the repository that some workplaces have (`../shared`): real input that may not be part of it.
 * undefined, said aloud, where it is not there; the repository has fixtures of its own for the same.
 */
export function sharedMaterial(path: string): string | undefined {
  const place = fileURLToPath(new URL(`../../shared/${path}`, import.meta.url));
  if (existsSync(place)) return place;
  console.warn(`\n*** SKIPPED: there is no ${place}; tests with fixtures of our own run in its place. ***\n`);
  return undefined;
}
