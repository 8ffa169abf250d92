import { hubSecrets } from './hub.ts';
import { kafkaSecrets } from './kafka.ts';
import { storeSecrets } from './stores/index.ts';

/** What comes from the environment only, of all parts. */
export const secrets = [...hubSecrets, ...kafkaSecrets, ...storeSecrets];
