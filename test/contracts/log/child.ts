/**
 * Another process on a log under contract: `node child.ts MODULE ARGUMENT MODE …`, where MODULE exports
 * `openLog(argument)`. It writes a line for whatever its parent may wait for.
 */
import type { Log } from '../../../src/log/port.ts';
import { copying, numbered } from './tasks.ts';

const [module = '', argument = '', mode = '', ...rest] = process.argv.slice(2);
const { openLog } = (await import(module)) as { openLog: (argument: string) => Promise<Log> };

const modes: Record<string, (log: Log) => Promise<void>> = {
  /** append TOPIC FIRST APPENDS SIZE: one acknowledged append a line. */
  append: async (log) => {
    const [topic = '', first = 0, appends = 0, size = 0] = [rest[0], ...rest.slice(1).map(Number)];
    const producer = await log.producer(`child ${first}`);
    for (let i = 0; i < appends; i++) {
      await producer.append(numbered(topic, first + i * size, size));
      console.log(`acknowledged ${first + (i + 1) * size}`);
    }
  },
  /** copy GROUP FROM TO: follows until it is killed or the topic's end was reached with `end`. */
  copy: async (log) => {
    const [group = '', from = '', to = '', until] = rest;
    const task = copying(group, from, to);
    const open: typeof task.open = async (context) => {
      const inner = await task.open(context);
      console.log('opened');
      return {
        ...inner,
        committed: () => {
          console.log('committed');
          return Promise.resolve();
        },
      };
    };
    await log.run({ ...task, open }, { maxBatchRecords: 10, ...(until === 'end' ? { until } : {}) });
  },
  /** compact: again and again. */
  compact: async (log) => {
    for (;;) {
      console.log('compacting');
      await log.compact({ tombstoneRetentionMs: 0 });
    }
  },
};

const log = await openLog(argument);
await modes[mode]?.(log);
await log.close();
