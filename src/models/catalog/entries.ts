import type { CatalogEntry } from './entry.ts';
import { hashedEntry } from './entries/hashed.ts';
import { hostedEntries } from './entries/hosted.ts';
import { imageEntries } from './entries/image.ts';
import { textEntries } from './entries/text.ts';

/** Every model that is known by name. */
export const catalogEntries: readonly CatalogEntry[] = [...textEntries, ...imageEntries, ...hostedEntries, hashedEntry];
