import { z } from 'zod';
import { defineFlags } from '../flags.ts';

const port = z.number().int('must be a whole number').min(0, 'must be at least 0').max(65_535, 'must be at most 65535');

/** Of commands that may run for long. The frame reads them: `instruments.ts`. */
export const metricsFlags = defineFlags({
  metricsPort: {
    type: 'number',
    placeholder: 'PORT',
    schema: port,
    description:
      'Serve /metrics (Prometheus), /health/live and /health/ready over HTTP while running; 0: any free port, which ' +
      'is printed',
    defaultText: 'not served',
  },
  metricsHost: {
    type: 'string',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    description: 'Address that --metrics-port is served on; 0.0.0.0: all networks, to whoever can reach it',
  },
});
