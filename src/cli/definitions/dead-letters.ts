import { LETTER_STATES } from '../../operations/dead-letters/states.ts';
import { definePositionals, describeCommand } from '../command.ts';
import { defineFlags } from '../flags.ts';
import { defineActions } from './actions.ts';
import { count } from './schemas.ts';

export const deadLettersFlags = defineFlags({
  reason: { type: 'list', placeholder: 'CODE', description: 'Only these reasons, such as DUPLICATE_ID' },
  stage: { type: 'list', choices: ['produce', 'import', 'process', 'sink'], description: 'Only letters of this stage' },
  model: { type: 'list', description: 'Only what these models could not embed' },
  state: { type: 'list', choices: LETTER_STATES, description: 'With list: only letters in this state' },
  limit: { type: 'number', schema: count, default: 20, description: 'With list: letters to show, the newest ones' },
});

export const deadLettersPositionals = definePositionals({
  action: defineActions('list', {
    list: 'all letters',
    show: 'one of them with all it holds',
    retry: 'publish their records again',
  }),
  ids: {
    type: 'list',
    description:
      'With show and retry: record ids (write \\, for a comma in one), or letters by their place as list shows it (0@17)',
  },
});

export const deadLetters = describeCommand({
  name: 'dead-letters',
  summary: 'lists, shows and retries what could not be embedded or read',
  details:
    'A letter of stage process is open while its record is as it was and still not embedded; retried while its record ' +
    'was published again and waits for the processor; resolved when the record was embedded, changed or deleted since; ' +
    'superseded when a later letter of the same record and model stands for it. retry publishes the records of open ' +
    'letters again, and "process" embeds them then; what waits already is left alone, and a record that has changed is ' +
    'never overwritten. A letter of stage produce never became a record (in-source): correct the source and run ' +
    '"produce" again. One of stage sink holds an embedding that an output refused: its record, or the output, must change.',
  examples: [
    { arguments: '', does: 'the latest dead letters' },
    { arguments: 'list --reason=MODEL_INPUT --state=open --limit=100', does: 'some of them' },
    { arguments: 'show 0@17', does: 'one letter with its headers and its record' },
    { arguments: 'retry', does: 'tries everything that is open once more' },
    { arguments: 'retry --model=all-MiniLM-L6-v2', does: 'tries what one model could not embed' },
    { arguments: 'retry 4711 4712', does: 'tries two records' },
  ],
  flags: deadLettersFlags,
  positionals: deadLettersPositionals,
});
