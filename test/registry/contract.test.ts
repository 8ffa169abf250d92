import { createMemoryLog } from '../../src/log/memory/memory-log.ts';
import { MemoryStore } from '../../src/log/memory/memory-store.ts';
import type { Log } from '../../src/log/port.ts';
import { openRegistry } from '../../src/registry/open-registry.ts';
import { describeLogContract } from '../contracts/log.ts';
import { startFakeRegistry } from './fake-registry.ts';

// No topic of the contract is of this namespace; some of its values look framed, and their ids are unknown.
describeLogContract('memory behind a schema registry', {
  compactsOnDemand: true,
  oneConsumerAGroup: true,
  limitsBytes: false,
  numbersWithoutGaps: true,
  create: async () => {
    const store = new MemoryStore();
    const { url } = await startFakeRegistry();
    const registry = openRegistry({ url, namespace: 'none', retry: { maxAttempts: 1 } });
    const handles: Log[] = [];
    return {
      open: ({ clock } = {}) => {
        const log = registry.wrap(createMemoryLog({ store, ...(clock === undefined ? {} : { clock }) }));
        handles.push(log);
        return Promise.resolve(log);
      },
      dispose: async () => {
        await Promise.all(handles.map((log) => log.close()));
      },
    };
  },
});
