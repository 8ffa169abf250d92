/**
 * Measures models behind an API against a server that answers in 200 ms and takes 100 requests in any second:
 *
 *   npm run bench:hosted -- [--only=stated,given,unstated,storm,storm-unstated] [--share=1]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of the full size (`--share=1`) replace
 * those of the same measurement in results.json. It takes four minutes.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createEmbedder } from '../../src/models/create-embedder.ts';
import { embedStream } from '../../src/models/embed-stream.ts';
import type { HostedOptions } from '../../src/models/hosted/hosted-options.ts';
import type { Figure } from '../pipeline/figures.ts';
import { runBench } from '../run-bench.ts';
import type { Order, Served } from './server.ts';

const REQUESTS_PER_SECOND = 100;
const STEADY_MS = 30_000;
const STORM = { fromMs: 10_000, toMs: 40_000 };
const AFTER_MS = 30_000;
/** What is under way at the end has not been judged yet. */
const LAST_ANSWERS_MS = 1000;
const NO_STORM = { fromMs: 0, toMs: 0 };

const { values } = parseArgs({ options: { only: { type: 'string' }, share: { type: 'string', default: '1' } } });
const share = Number(values.share);

interface Run {
  readonly forMs: number;
  readonly statesLimits: boolean;
  readonly storm?: { readonly fromMs: number; readonly toMs: number };
  readonly options?: HostedOptions;
}

const server = fork(fileURLToPath(new URL('server.ts', import.meta.url)), {
  execArgv: ['--disable-warning=ExperimentalWarning'],
});
const environment = await answerOf<Record<string, string>>(server);

/** Embeds without end until the time is over, and asks the server what it has seen. */
async function run({ forMs, statesLimits, storm = NO_STORM, options = {} }: Run): Promise<Served> {
  const embedder = await createEmbedder({
    model: 'openai-compatible:acme/embed',
    environment,
    hosted: { requestInputs: 8, concurrency: 64, ...options },
  });
  await ask({ kind: 'begin', statesLimits, stormFromMs: storm.fromMs * share, stormToMs: storm.toMs * share });
  const over = AbortSignal.timeout(forMs * share + LAST_ANSWERS_MS);
  try {
    const embedding = embedStream(embedder, endlessTexts(), { signal: over });
    while ((await embedding.next()).done !== true);
  } catch (error) {
    if (!over.aborted) throw error;
  }
  const served = await ask({ kind: 'report' });
  await embedder.close();
  return served;
}

function* endlessTexts(): Generator<string> {
  for (let i = 0; ; i++) yield `text number ${i}`;
}

async function ask(order: Order): Promise<Served> {
  const answer = answerOf<Served>(server);
  server.send(order);
  return answer;
}

async function answerOf<Message>(child: ChildProcess): Promise<Message> {
  const [message] = (await once(child, 'message')) as [Message];
  return message;
}

/** Of what the server allows in this time. */
function shareTaken({ takenAtMs }: Served, fromMs: number, toMs: number): number {
  const taken = takenAtMs.filter((at) => at >= fromMs * share && at < toMs * share).length;
  return taken / (((toMs - fromMs) * share * REQUESTS_PER_SECOND) / 1000);
}

async function steady(options: Omit<Run, 'forMs'>, atLeast?: number): Promise<Figure[]> {
  const served = await run({ forMs: STEADY_MS, ...options });
  return [
    {
      name: 'requests answered, of those that the limit allows',
      value: shareTaken(served, 0, STEADY_MS),
      unit: 'ratio',
      ...(atLeast !== undefined && { atLeast }),
    },
    {
      name: 'requests refused, for each that was answered',
      value: served.refused / served.takenAtMs.length,
      unit: 'ratio',
    },
  ];
}

async function afterStorm(statesLimits: boolean, atLeast?: number): Promise<Figure[]> {
  const served = await run({ forMs: STORM.toMs + AFTER_MS, storm: STORM, statesLimits });
  return [
    {
      name: 'requests answered in the 30 s after a storm of 30 s, of those that the limit allows',
      value: shareTaken(served, STORM.toMs, STORM.toMs + AFTER_MS),
      unit: 'ratio',
      ...(atLeast !== undefined && { atLeast }),
    },
  ];
}

const measures: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  stated: () => steady({ statesLimits: true }, 0.95),
  given: () => steady({ statesLimits: false, options: { requestsPerMinute: REQUESTS_PER_SECOND * 60 } }, 0.95),
  // Nobody says what the limit is: what finding out costs.
  unstated: () => steady({ statesLimits: false }),
  storm: () => afterStorm(true, 0.9),
  'storm-unstated': () => afterStorm(false),
};

const wanted = values.only?.split(',') ?? Object.keys(measures);
if (!wanted.every((name) => name in measures) || !(share > 0 && share <= 1)) {
  console.error(`--only takes ${Object.keys(measures).join(', ')}; --share a number above 0, up to 1.`);
  process.exit(2);
}
try {
  await runBench({
    measures: new Map(Object.entries(measures).filter(([name]) => wanted.includes(name))),
    ...(share === 1 && { resultsFile: fileURLToPath(new URL('results.json', import.meta.url)) }),
  });
} finally {
  server.disconnect();
}
