import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Arrow from 'apache-arrow';
import type { LanceDb } from './api.ts';
import { fatalError, messageOf } from '../../../errors.ts';

/** LanceDB and the version of Arrow that it wants, which is another one than ours. */
export interface Loaded {
  readonly lancedb: LanceDb;
  readonly arrow: typeof Arrow;
}

const NAME = '@lancedb/lancedb';
/** Of a clone. */
const EXTENSION = fileURLToPath(new URL('../../../../extensions/lancedb/', import.meta.url));

/** From beside this package, the folder where it is called, or the clone's extension. Errors: LANCEDB_NOT_INSTALLED. */
export function loadLanceDb(): Loaded {
  const places = [import.meta.url, join(process.cwd(), 'package.json'), join(EXTENSION, 'package.json')];
  for (const place of places) {
    const path = resolved(place);
    if (path === undefined) continue;
    // Its own log, to stderr, warns of what is usual.
    // eslint-disable-next-line no-restricted-properties -- the native library reads it from nowhere else
    process.env['LANCEDB_LOG'] ??= 'error';
    try {
      const [lancedb, arrow] = [createRequire(place)(NAME), createRequire(path)('apache-arrow')] as [unknown, unknown];
      return { lancedb, arrow } as Loaded;
    } catch (error) {
      const what = `${path} is there, but can't be loaded: ${messageOf(error)}.`;
      throw fatalError('LANCEDB_NOT_INSTALLED', `${what} Install it again.`, error);
    }
  }
  throw fatalError(
    'LANCEDB_NOT_INSTALLED',
    'LanceDB is not installed, since not everybody needs its 200 MB. In a clone: npm ci --prefix extensions/lancedb. ' +
      'Beside the package embedstream: npm install @lancedb/lancedb apache-arrow@18.1.0.',
  );
}

function resolved(place: string): string | undefined {
  try {
    return createRequire(place).resolve(NAME);
  } catch {
    return undefined;
  }
}
