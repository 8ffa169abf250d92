import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../../src/log/port.ts';
import type { LogPlace } from '../../contracts/log/place.ts';

export interface EmbeddedPlace extends LogPlace {
  readonly dataDir: string;
}

/** A folder of its own under the system's temporary one. */
export async function embeddedPlace(): Promise<EmbeddedPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'embedded-log-'));
  const handles: Log[] = [];
  return {
    dataDir,
    child: { module: import.meta.url, argument: dataDir },
    open: async (options = {}) => {
      const log = await createEmbeddedLog({ dataDir, ...options });
      handles.push(log);
      return log;
    },
    dispose: async () => {
      await Promise.all(handles.map((log) => log.close()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** For child processes of the contract, which import it by URL. @public */
export function openLog(dataDir: string): Promise<Log> {
  return createEmbeddedLog({ dataDir });
}
