import { definePositionals, describeCommand, type CommandContext } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { defineActions } from './actions.ts';
import { count, plainName } from './schemas.ts';
import { OUTPUTS, outputFlags, sinkFlags } from './sink.ts';
import { storeConnectionFlags } from './stores/index.ts';

export const topicsFlags = defineFlags({
  model: { type: 'list', description: 'With plan and apply: also the topics of these models' },
  source: { type: 'list', placeholder: 'NAME', description: 'The same for these sources' },
  sink: {
    type: 'list',
    choices: OUTPUTS,
    description: 'The same for these outputs of the models, by the flags that they are written with',
  },
  out: outputFlags.out,
  dtype: outputFlags.dtype,
  sinkName: sinkFlags.sinkName,
  ...storeConnectionFlags,
  pgTable: sinkFlags.pgTable,
  pgColumns: sinkFlags.pgColumns,
  partitions: {
    type: 'number',
    schema: count,
    description: 'Partitions of topics that are not there yet; with repartition: of the copy',
    defaultText: 'as many as the others have; 6 where there are none',
  },
  into: { type: 'string', schema: plainName, placeholder: 'NAMESPACE', description: 'With repartition: the copy' },
  yes: { type: 'boolean', description: 'With delete: do it' },
});

export const topicsPositionals = definePositionals({
  action: defineActions('show', {
    show: 'what there is and what is wrong with it',
    plan: 'what would mend it',
    apply: 'mend it',
    repartition: 'copy all into a namespace with another number of partitions',
    delete: 'delete all',
  }),
});

export const topics = describeCommand({
  name: 'topics',
  summary: 'shows, checks and mends topics; copies them into other partitions',
  details:
    'Topics are made on first use; this is for those who want to see or make them before, or whose topics were made or ' +
    'changed by others. plan and apply make what is missing, correct settings, and give topics without records the ' +
    'right number of partitions: nothing of it loses a record. What they cannot mend is said, with what mends it, and ' +
    'the exit code is 1. repartition copies the newest version of everything into a new namespace, from which all goes ' +
    'on: nothing is embedded again. Killed, it goes on when it is run again. The log without brokers has no settings: ' +
    'there, show and repartition work.',
  examples: [
    { arguments: '', does: 'all topics, and what is not as it should be' },
    { arguments: 'plan', does: 'what would mend it' },
    { arguments: 'apply --partitions=12 --model=all-MiniLM-L6-v2', does: 'makes the topics of a pipeline beforehand' },
    { arguments: 'repartition --partitions=12 --into=museum-12', does: 'copies everything into 12 partitions' },
    { arguments: 'delete --namespace=trial --yes', does: 'deletes all topics of a namespace' },
  ],
  flags: topicsFlags,
  positionals: topicsPositionals,
});

export type TopicsContext = CommandContext<typeof topicsFlags, typeof topicsPositionals>;
