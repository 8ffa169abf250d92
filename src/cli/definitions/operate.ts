import { describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { modelSettingFlags } from './model-settings.ts';
import { seconds } from './schemas.ts';
import { storeConnectionFlags } from './stores/index.ts';

export const statusFlags = defineFlags({
  interval: {
    type: 'number',
    schema: seconds,
    default: 1,
    placeholder: 'SECONDS',
    description: 'Time between two looks, over which the rates are measured',
  },
  watch: { type: 'boolean', description: 'Look again and again, until Ctrl-C' },
});

export const status = describeCommand({
  name: 'status',
  summary: 'shows topics, groups and how far each of them is',
  details:
    'For each group and partition the committed offset, the end, what is left between them (the lag), and records a ' +
    'second while somebody runs the group; who runs it and what each has; and how many dead letters there are. Of these ' +
    'the latest 1,000 are looked at for reasons and stages (fewer when they are large).',
  examples: [
    { arguments: '', does: 'what is on the log, and what is left to do' },
    { arguments: '--watch --interval=5', does: 'the same, drawn again every five seconds' },
    { arguments: '--json', does: 'the same for a program' },
  ],
  flags: statusFlags,
});

export const reconcileFlags = defineFlags({
  model: { type: 'list', description: 'Only these models', defaultText: 'all on the log' },
  sink: {
    type: 'list',
    placeholder: 'NAME',
    description: 'Only these outputs, by what their names begin with: parquet, elasticsearch-all-MiniLM …',
    defaultText: 'all that were ever written to',
  },
  ...modelSettingFlags,
  repair: {
    type: 'boolean',
    description: 'Write again to the outputs just what is missing, stale or too much, and count once more',
  },
  ...storeConnectionFlags,
});

export const reconcile = describeCommand({
  name: 'reconcile',
  summary: 'recounts from the log that nothing is missing, stale or double',
  details:
    'Every live record must have, for each model, a ledger entry of its present text, and every sink must hold exactly ' +
    'the live embeddings. A difference is printed by id, and the exit code is 1. With --repair, files are written again ' +
    'from the first one on that is damaged or gone, stores get what they lack, and nothing is embedded; what is wrong on ' +
    'the log itself stays as it is, with what mends it.',
  examples: [
    { arguments: '', does: 'checks everything that is on the log' },
    { arguments: '--repair', does: 'the same, and mends the outputs' },
    { arguments: '--sink=parquet,pgvector', does: 'leaves other outputs out: one that is no more, say' },
  ],
  flags: reconcileFlags,
});
