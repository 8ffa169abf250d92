/** The transformers.js pipeline at batch 32, fp32, 256 tokens. Runs in the scratch folder where it is installed. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [scratch, model] = process.argv.slice(2);
const entry = createRequire(`${scratch}/package.json`).resolve('@huggingface/transformers');
const { env, pipeline } = await import(pathToFileURL(entry).href);
env.allowRemoteModels = false;
env.localModelPath = dirname(model);
const extract = await pipeline('feature-extraction', basename(model), { dtype: 'fp32' });

console.log(JSON.stringify({ ready: true }));
for await (const path of createInterface({ input: process.stdin })) {
  const texts = JSON.parse(readFileSync(path, 'utf8'));
  const [start, used] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < texts.length; i += 32)
    await extract(texts.slice(i, i + 32), { pooling: 'mean', normalize: true });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6 }));
}
