import { defineFlags } from '../flags.ts';
import { kafkaFlags } from './kafka.ts';
import { plainName } from './schemas.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const globalFlags = defineFlags({
  dataDir: { type: 'string', placeholder: 'FOLDER', default: '.embedstream', description: 'Where the log lives' },
  namespace: {
    type: 'string',
    default: 'embedstream',
    schema: plainName,
    description: 'First part of the names of all topics and groups: separate pipelines on one log',
  },
  modelsDir: {
    type: 'string',
    placeholder: 'FOLDER',
    default: 'models',
    description: 'Where models that are not part of the package are looked for by name, a folder each',
  },
  json: { type: 'boolean', description: 'One JSON object on stdout in place of text; no progress' },
  quiet: { type: 'boolean', description: 'No progress, and of messages only warnings and errors' },
  logLevel: {
    type: 'string',
    placeholder: 'LEVEL',
    choices: LOG_LEVELS,
    default: 'info',
    description: 'Messages on stderr from this level on',
  },
  config: {
    type: 'string',
    placeholder: 'FILE',
    description: 'Configuration file',
    defaultText: 'embedstream.config.json, if it is there',
  },
  ...kafkaFlags,
  help: { type: 'boolean', description: 'Show help and end' },
  version: { type: 'boolean', description: 'Show the version and end' },
});
