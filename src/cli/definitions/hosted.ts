import { z } from 'zod';
import { defineFlags } from '../flags.ts';
import { count, httpUrl } from './schemas.ts';

const dollars = z.number().positive('must be above zero');

/** Where servers of one's own are; for every command that may ask one. */
export const serverFlags = defineFlags({
  baseUrl: {
    type: 'string',
    schema: httpUrl,
    placeholder: 'URL',
    description: 'The server of --model=ollama:NAME, tei:NAME, infinity:NAME or openai-compatible:NAME',
    defaultText: 'its own port on this machine, or …_BASE_URL of the environment',
  },
});

/** What it takes to run models behind APIs. */
export const hostedFlags = defineFlags({
  ...serverFlags,
  requestsPerMinute: {
    type: 'number',
    schema: count,
    description: 'Most requests to an API in a minute',
    defaultText: 'learnt from its answers',
  },
  tokensPerMinute: {
    type: 'number',
    schema: count,
    description: 'Most tokens in a minute',
    defaultText: 'learnt from its answers',
  },
  requestInputs: {
    type: 'number',
    schema: count,
    description: "Most inputs in one request to a server of one's own",
    defaultText: 'what it says, or 64',
  },
  concurrency: {
    type: 'number',
    schema: count,
    description: 'Most requests to an API at a time',
    defaultText: '4 to 32, by provider',
  },
  maxCost: {
    type: 'number',
    schema: dollars,
    description: 'US dollars that each model of an API may cost in this run; it stops before it would cost more',
  },
  pricePerMillionTokens: {
    type: 'number',
    schema: dollars,
    description: 'US dollars, where the price is not known or another one',
  },
  estimate: {
    type: 'boolean',
    description: 'Say what is left to embed, in how many tokens and requests, how long and for how much; send nothing',
  },
});
