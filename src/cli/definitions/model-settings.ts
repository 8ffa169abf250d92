import { z } from 'zod';
import { LONG_TEXTS } from '../../models/long-text.ts';
import { defineFlags } from '../flags.ts';
import { count } from './schemas.ts';

/** What a user wants of a model otherwise than its authors. Each can also stand behind a model's name: NAME?pooling=cls. */
export const modelSettingFlags = defineFlags({
  dimensions: {
    type: 'number',
    schema: count,
    description: 'Shorter vectors, where the model allows them; its name then ends in their length',
    defaultText: "the model's",
  },
  modelDtype: {
    type: 'string',
    schema: z.string().min(1),
    placeholder: 'DTYPE',
    description: 'Which ONNX file is run: fp32, fp16, q8, q4 …, or the path of one in the repository or folder',
    defaultText: 'fp32',
  },
  pooling: {
    type: 'string',
    choices: ['mean', 'cls', 'last', 'graph'],
    description: 'How vectors of tokens become one',
    defaultText: "the model's",
  },
  normalise: {
    type: 'boolean',
    optional: true,
    description: 'Bring vectors to length 1, or (--no-normalise) leave them as they are',
    defaultText: "the model's",
  },
  maxTokens: { type: 'number', schema: count, description: 'Cut texts to this many', defaultText: "the model's" },
  longText: {
    type: 'string',
    choices: LONG_TEXTS,
    description: 'What becomes of longer ones: cut, embedded in windows whose mean is taken, or a dead letter',
    defaultText: 'truncate',
  },
  documentPrefix: {
    type: 'string',
    placeholder: 'TEXT',
    description: 'What is put before a text that is embedded',
    defaultText: "the model's",
  },
  queryPrefix: {
    type: 'string',
    placeholder: 'TEXT',
    description: 'What is put before a query',
    defaultText: "the model's",
  },
});
