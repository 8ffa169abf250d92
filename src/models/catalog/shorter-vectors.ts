import { UsageError } from '../../errors.ts';
import type { CatalogEntry, ModelFacts } from './entry.ts';

/**
 * The same model with vectors of another length. Its name tells: `nomic-embed-text-v1.5-256`, so that vectors of two
 * lengths never meet in one topic (ADR 15). Pure.
 *
 * @throws UsageError for a length that the model was not trained for.
 */
export function withDimensions<Entry extends CatalogEntry>(entry: Entry, dimensions: number): Entry {
  if (dimensions === entry.dimension) return entry;
  if (!allows(entry, dimensions)) throw notAllowed(entry, dimensions);
  return { ...entry, name: `${entry.name}-${String(dimensions)}`, aliases: [], dimension: dimensions };
}

/** What a name such as `nomic-embed-text-v1.5-256` is made of; undefined: it does not end in a number. */
export function splitDimensions(name: string): { readonly name: string; readonly dimensions: number } | undefined {
  const match = /^(.+)-([1-9]\d{0,4})$/.exec(name);
  return match?.[1] === undefined ? undefined : { name: match[1], dimensions: Number(match[2]) };
}

/** Numbers of the model's own vector, before anything is cut. */
export function fullDimension({ dimension, matryoshka }: Pick<ModelFacts, 'dimension' | 'matryoshka'>): number {
  return matryoshka?.full ?? dimension;
}

function allows({ matryoshka }: CatalogEntry, dimensions: number): boolean {
  if (matryoshka === undefined) return false;
  const { full, shorter, least } = matryoshka;
  return (
    dimensions === full ||
    shorter.includes(dimensions) ||
    (least !== undefined && dimensions >= least && dimensions < full)
  );
}

function notAllowed({ name, dimension, matryoshka }: CatalogEntry, dimensions: number): UsageError {
  if (matryoshka === undefined) {
    return new UsageError(
      `--dimensions=${String(dimensions)}: ${name} gives vectors of ${String(dimension)} numbers and is not known to be ` +
        'trained for shorter ones (Matryoshka): cut, they would find little.',
    );
  }
  const { full, shorter, least } = matryoshka;
  const range = least === undefined ? '' : `, or any number from ${String(least)} to ${String(full)}`;
  return new UsageError(`--dimensions=${String(dimensions)}: ${name} allows ${[full, ...shorter].join(', ')}${range}.`);
}
