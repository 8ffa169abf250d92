import { fatalError } from '../../../errors.ts';
import { asObject, objectIn, textIn } from './answers.ts';
import type { Elastic } from './elastic.ts';

const MAJOR = 9;
const EARLIER = { major: 8, minor: 19 };

export interface ServerVersion {
  /** Whether `_source` leaves out vectors unless asked for them. */
  readonly hidesVectors: boolean;
}

/**
 * Finds out what server it is.
 * Errors: ELASTIC_VERSION where it is another than 9.x or 8.19.
 */
export async function checkServer(elastic: Elastic): Promise<ServerVersion> {
  const version = await askVersion(elastic);
  // Who may only write to an index is not told: the probe document then says what the server can do.
  if (version === undefined) return { hidesVectors: true };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major !== MAJOR && (major !== EARLIER.major || minor < EARLIER.minor))
    throw fatalError(
      'ELASTIC_VERSION',
      `Elasticsearch at ${elastic.where} is ${version}; this release of embedstream writes to ${MAJOR}.x and ` +
        `${EARLIER.major}.${EARLIER.minor}. Upgrade whichever is older.`,
    );
  return { hidesVectors: major > MAJOR || (major === MAJOR && minor >= 2) };
}

async function askVersion(elastic: Elastic): Promise<string | undefined> {
  const denied = [400, 403, 404, 405];
  const root = await elastic.ask({ method: 'GET', path: '/', what: 'the question for its version' }, denied);
  const version = textIn(objectIn(root.body, 'version'), 'number');
  if (version !== undefined) return version;
  const query = { filter_path: 'nodes.*.version' };
  const path = '/_nodes/_local';
  const nodes = await elastic.ask({ method: 'GET', path, query, what: 'the question for its version' }, denied);
  const [node] = Object.values(objectIn(nodes.body, 'nodes') ?? {});
  return textIn(asObject(node), 'version');
}
