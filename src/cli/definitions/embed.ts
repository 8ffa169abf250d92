import { describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { metricsFlags } from './metrics.ts';
import { modelRunFlags } from './process.ts';
import { produceFlags } from './produce.ts';
import { OUTPUTS, outputFlags, storeFlags } from './sink.ts';
import { oneOrMore } from './schemas.ts';

export const embedFlags = defineFlags({
  ...produceFlags,
  ...modelRunFlags,
  sink: {
    type: 'list',
    schema: oneOrMore,
    choices: OUTPUTS,
    default: ['parquet', 'npy'],
    description: 'What to write to',
  },
  ...outputFlags,
  ...storeFlags,
  ...metricsFlags,
});

export const embed = describeCommand({
  name: 'embed',
  summary: 'produce, process and sink in one process, until all adds up',
  details:
    'From files to vectors on disk in one go. Stop it at any moment and run it again: it goes on where it was, and ' +
    'nothing is embedded twice.',
  examples: [
    { arguments: '--source=MetObjects.csv', does: 'embeds a CSV file into Parquet and NumPy files in data/' },
    { arguments: '--source=objects.csv --sink=parquet --out=vectors', does: 'one format, another folder' },
  ],
  flags: embedFlags,
  runsModels: true,
});
