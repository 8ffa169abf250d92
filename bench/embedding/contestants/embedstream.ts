/** Ours, as the pipeline uses it: windows of the embedder's own size, three in flight. */
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import { serveContestant } from './serve-contestant.ts';

const WINDOWS_IN_FLIGHT = 3;
const [model = 'all-MiniLM-L6-v2', batchTokens] = process.argv.slice(2);
const embedder = await createEmbedder({
  model,
  ...(batchTokens === undefined ? {} : { batchTokens: Number(batchTokens) }),
});

async function embedAll(texts: readonly string[]): Promise<void> {
  const inFlight: Promise<unknown>[] = [];
  for (let start = 0; start < texts.length; start += embedder.windowSize) {
    if (inFlight.length === WINDOWS_IN_FLIGHT) await inFlight.shift();
    inFlight.push(embedder.embed(texts.slice(start, start + embedder.windowSize).map((text) => ({ text }))));
  }
  await Promise.all(inFlight);
}

await serveContestant(embedAll);
await embedder.close();
