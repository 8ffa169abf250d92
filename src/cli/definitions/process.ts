import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import { DEVICE_WISHES } from '../../models/devices.ts';
import { describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { hostedFlags } from './hosted.ts';
import { metricsFlags } from './metrics.ts';
import { modelSettingFlags } from './model-settings.ts';
import { partitionFlags } from './partitions.ts';
import { count, oneOrMore } from './schemas.ts';

export const deviceFlags = defineFlags({
  device: {
    type: 'string',
    choices: DEVICE_WISHES,
    default: 'cpu',
    description: 'Where local models run; auto: on the first device that works',
  },
});

/** What it takes to run models, whether they follow or not. */
export const modelRunFlags = defineFlags({
  model: {
    type: 'list',
    schema: oneOrMore,
    default: [DEFAULT_MODEL],
    description: 'Models, each a consumer group of its own',
  },
  ...deviceFlags,
  workers: {
    type: 'number',
    schema: count,
    description: 'Sessions of each local model, side by side',
    defaultText: 'one a core, as memory allows, shared by the models',
  },
  threads: {
    type: 'number',
    schema: count,
    description: 'Threads of each session',
    defaultText: '1',
  },
  batchTokens: {
    type: 'number',
    schema: count,
    description: 'Most tokens in one batch of the model, padding included',
    defaultText: "the model's best",
  },
  takeOver: { type: 'boolean', description: 'Take the work from a process that still holds it' },
  ...hostedFlags,
  ...modelSettingFlags,
});

export const processFlags = defineFlags({
  ...modelRunFlags,
  ...partitionFlags,
  follow: { type: 'boolean', description: 'Keep going when all is read, until Ctrl-C' },
  ...metricsFlags,
});

export const process = describeCommand({
  name: 'process',
  summary: 'embeds what is on the log and was not embedded yet',
  details:
    'A record is skipped only when this very text was embedded by this very model before. It ends at the end of the ' +
    'log unless --follow is given; running it again goes on where it stopped.',
  examples: [
    { arguments: '', does: `embeds with ${DEFAULT_MODEL}, which is included` },
    { arguments: '--model=all-MiniLM-L6-v2 --follow', does: 'embeds whatever is published, as it comes' },
    { arguments: '--model=all-MiniLM-L6-v2,./my-model', does: 'two models, which read each record once' },
  ],
  flags: processFlags,
  runsModels: true,
});
