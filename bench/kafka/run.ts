/**
 * Measures the pipeline on Kafka through its public commands, beside bare kafkajs in the same run.
 *
 *   npm run services -- up          # prints what to export
 *   KAFKA_BROKERS=… node --disable-warning=ExperimentalWarning bench/kafka/run.ts [--rows=1000000] [--only=produce,…]
 *
 * Prints every figure with its bound and exits 1 when one is missed. Figures of the full size replace those of the
 * same measurement in results.json.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Workplace } from '../pipeline/workplace.ts';
import { runBench } from '../run-bench.ts';
import { measurePipeline, measureProduce, measureScaling } from './measure.ts';

const FULL_ROWS = 1_000_000;
const measures = { produce: measureProduce, pipeline: measurePipeline, scaling: measureScaling };
const names = Object.keys(measures) as (keyof typeof measures)[];

const { values } = parseArgs({
  options: { rows: { type: 'string', default: String(FULL_ROWS) }, only: { type: 'string' } },
});
const rows = Number(values.rows);
const wanted = values.only?.split(',') ?? names;
const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((address) => address !== '');
if (!wanted.every((name) => names.some((each) => each === name)) || !Number.isSafeInteger(rows) || rows < 100) {
  console.error(`--only takes ${names.join(', ')}; --rows a whole number from 100 on.`);
  process.exit(2);
}
if (brokers.length === 0) {
  console.error('Set KAFKA_BROKERS, to what `npm run services -- up` prints or to a cluster of yours.');
  process.exit(2);
}

const workplace = new Workplace();
try {
  await runBench({
    measures: new Map(
      names
        .filter((name) => wanted.includes(name))
        .map((name) => [name, () => measures[name]({ workplace, rows, brokers })]),
    ),
    ...(rows === FULL_ROWS && { resultsFile: fileURLToPath(new URL('results.json', import.meta.url)) }),
  });
} finally {
  workplace.clear();
}
