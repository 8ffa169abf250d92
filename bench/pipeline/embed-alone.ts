/** Embeds the texts of a JSON file with the default model and does nothing else. */
import { readFileSync } from 'node:fs';
import { createEmbedder, embedTexts } from '../../src/index.ts';

const texts = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as readonly string[];
const embedder = await createEmbedder({ model: 'all-MiniLM-L6-v2' });
const vectors = await embedTexts(embedder, texts);
await embedder.close();
if (vectors.length !== texts.length) process.exitCode = 1;
