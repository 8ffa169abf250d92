import { createMemoryLog } from '../../../src/log/memory/memory-log.ts';
import { MemoryStore } from '../../../src/log/memory/memory-store.ts';
import type { Log } from '../../../src/log/port.ts';
import { describeLogContract } from '../../contracts/log.ts';

describeLogContract('memory', {
  compactsOnDemand: true,
  oneConsumerAGroup: true,
  limitsBytes: false,
  numbersWithoutGaps: true,
  create: () => {
    const store = new MemoryStore();
    const handles: Log[] = [];
    return Promise.resolve({
      open: ({ clock } = {}) => {
        const log = createMemoryLog({ store, ...(clock === undefined ? {} : { clock }) });
        handles.push(log);
        return Promise.resolve(log);
      },
      dispose: async () => {
        await Promise.all(handles.map((log) => log.close()));
      },
    });
  },
});
