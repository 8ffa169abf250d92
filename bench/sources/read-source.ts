/**
 * Reads a source as `produce` does and encodes and hashes each record, without a log. Prints what it took as JSON.
 * usage: read-source.ts SOURCE
 */
import { createCodec } from '../../src/codec/create-codec.ts';
import { encodeItem } from '../../src/producers/encode-item.ts';
import { openSource } from '../../src/producers/open-source.ts';

export interface SourceRead {
  readonly seconds: number;
  readonly items: number;
  readonly bytes: number;
}

const [given = ''] = process.argv.slice(2);
const startMs = performance.now();
const codec = createCodec();
const source = await openSource(given);
let items = 0;
let bytes = 0;
try {
  for await (const batch of source.read()) {
    for (const item of batch.items) {
      if (item.kind === 'fault') throw new Error(item.reason);
      encodeItem(codec, item, source.name, 0);
      items++;
    }
    bytes = batch.bytesRead;
  }
} finally {
  await source.close?.();
}
console.log(JSON.stringify({ seconds: (performance.now() - startMs) / 1000, items, bytes } satisfies SourceRead));
