import { DEFAULT_MODEL } from '../../models/catalog/default-model.ts';
import { definePositionals, describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { defineActions } from './actions.ts';
import { modelSettingFlags } from './model-settings.ts';
import { deviceFlags } from './process.ts';

export const modelsFlags = defineFlags({ ...deviceFlags, ...modelSettingFlags });

export const modelsPositionals = definePositionals({
  action: defineActions('list', { list: 'all models', show: 'what is known of one of them', check: 'try one out' }),
  name: { type: 'string', description: 'The model to show or check: a name, ./folder or hf:owner/name' },
});

export const models = describeCommand({
  name: 'models',
  summary: 'lists, shows and checks the models',
  details:
    'list shows what is known by name. show explains a model, each fact with where it is stated; of a repository of the ' +
    'Hugging Face hub it downloads the small files. check downloads what is missing, loads the model and embeds two ' +
    'different inputs with it: their vectors must be finite, of the right length, and differ.',
  examples: [
    { arguments: '', does: 'the models there are' },
    { arguments: 'show nomic-embed-text-v1.5', does: 'all that is known of one' },
    { arguments: `check ${DEFAULT_MODEL}`, does: 'loads a model and embeds two texts with it' },
    { arguments: `check ${DEFAULT_MODEL} --device=cuda`, does: 'the same where the model is to run' },
    { arguments: 'check hf:BAAI/bge-small-en-v1.5', does: 'the same for any repository that has an ONNX file' },
  ],
  flags: modelsFlags,
  positionals: modelsPositionals,
});
