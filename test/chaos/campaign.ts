/**
 * Campaigns against the real commands on a real Kafka, counted by programs that are not ours. Each prints what it did,
 * and exits 1 on any difference.
 *
 *   npm run test:chaos -- members|broker|partitions|authorisation|registry|images [--rounds=N] [--seed=S]
 */
import { parseArgs } from 'node:util';
import type { Campaign } from './campaign-options.ts';
import { authorisation } from './authorisation.ts';
import { broker } from './broker.ts';
import { images } from './images.ts';
import { members } from './members.ts';
import { partitions } from './partitions.ts';
import { registry } from './registry.ts';

const CAMPAIGNS: Readonly<Record<string, { readonly run: Campaign; readonly rounds: number }>> = {
  authorisation: { run: authorisation, rounds: 5 },
  broker: { run: broker, rounds: 10 },
  images: { run: images, rounds: 25 },
  members: { run: members, rounds: 50 },
  partitions: { run: partitions, rounds: 3 },
  registry: { run: registry, rounds: 3 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
const [name = ''] = positionals;
const campaign = CAMPAIGNS[name];
if (campaign === undefined || positionals.length !== 1) {
  console.error(`usage: npm run test:chaos -- ${Object.keys(CAMPAIGNS).join('|')} [--rounds=N] [--seed=S]`);
  process.exitCode = 2;
} else {
  const startMs = performance.now();
  const rounds = Number(values.rounds ?? campaign.rounds);
  const seed = Number(values.seed);
  const say = (line: string): void => {
    console.log(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  };
  say(`${name}: ${rounds} rounds, seed ${seed}`);
  try {
    const result = await campaign.run({ rounds, seed, say });
    say(
      `${name}: as it must be. ${Object.entries(result)
        .map(([what, number]) => `${what} ${number}`)
        .join(', ')}`,
    );
  } catch (error) {
    say(`${name}, seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
  }
}
