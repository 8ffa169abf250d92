import { defineFlags } from '../flags.ts';
import { count } from './schemas.ts';

/** Of every command that makes topics: whichever starts first makes them, and the number is for good. */
export const partitionFlags = defineFlags({
  partitions: {
    type: 'number',
    schema: count,
    description: 'Partitions of topics that are not there yet',
    defaultText: '1; on Kafka 6',
  },
});
