/** What the pipeline costs beside a real model. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCodec } from '../../src/codec/create-codec.ts';
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { topicNames } from '../../src/log/topics.ts';
import type { Figure } from './figures.ts';
import { runEmbedstream, runNode } from './measured-command.ts';
import { writeSevenColumns } from './tables.ts';
import type { Workplace } from './workplace.ts';

const EMBED_ALONE = fileURLToPath(new URL('embed-alone.ts', import.meta.url));
const ROUNDS = 2;

/**
 * `embed` from CSV to Parquet over embedding the same texts alone, each a process from its start to its exit: both
 * load Node and the model. They take turns. A fiftieth of the rows.
 */
export async function measureModel(workplace: Workplace, allRows: number): Promise<Figure[]> {
  const rows = Math.round(allRows / 50);
  let pipeline = 0;
  let alone = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const folder = workplace.fresh('model');
    writeSevenColumns(join(folder, 'rows.csv'), rows);
    const ran = await runEmbedstream(['embed', '--source=rows.csv', '--sink=parquet'], folder);
    pipeline += ran.wallSeconds / ROUNDS;
    const texts = await publishedTexts(join(folder, '.embedstream'));
    if (texts.length !== rows) throw new Error(`${texts.length} texts are on the log, of ${rows} rows`);
    writeFileSync(join(folder, 'texts.json'), JSON.stringify(texts));
    alone += (await runNode([EMBED_ALONE, 'texts.json'], folder)).wallSeconds / ROUNDS;
  }
  const name = `all-MiniLM-L6-v2, ${rows.toLocaleString('en-US')} rows of 7 columns`;
  return [
    { name: `${name}, embed`, value: pipeline, unit: 's' },
    { name: `${name}, model alone`, value: alone, unit: 's' },
    { name: `${name}, embed over model alone`, value: pipeline / alone, unit: 'ratio', atMost: 1.08 },
  ];
}

/** The texts as the producer composed them, in their order. */
async function publishedTexts(dataDir: string): Promise<string[]> {
  const log = await createEmbeddedLog({ dataDir });
  const codec = createCodec();
  const texts: string[] = [];
  try {
    for await (const { records } of log.read(topicNames('embedstream').records, 0, 0, Infinity)) {
      for (const { value } of records) if (value !== null) texts.push(codec.viewSourceRecord(value).text ?? '');
    }
  } finally {
    await log.close();
  }
  return texts;
}
