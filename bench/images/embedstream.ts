/** Ours, from files: windows of the embedder's own size, as the pipeline gives them. usage: embedstream.ts MODEL_FOLDER */
import { readFile } from 'node:fs/promises';
import { createEmbedder } from '../../src/models/create-embedder.ts';
import { embedStream } from '../../src/models/embed-stream.ts';
import { serveContestant } from '../embedding/contestants/serve-contestant.ts';

await using resources = new AsyncDisposableStack();
const embedder = await createEmbedder({ model: process.argv[2] ?? '' });
resources.defer(() => embedder.close());

async function* images(paths: readonly string[]) {
  for (const path of paths) yield { image: { mime: 'image/jpeg', bytes: await readFile(path) } };
}

await serveContestant(async (paths) => {
  for await (const outcome of embedStream(embedder, images(paths))) if ('error' in outcome) throw outcome.error;
});
