import { UsageError } from '../../errors.ts';
import { commonPartitions } from '../../log/partition-counts.ts';
import { topicSegment } from '../../log/topics.ts';
import { findModel } from '../../models/catalog/find-model.ts';
import { listLetters } from '../../operations/dead-letters/list-letters.ts';
import { retryLetters, type RetryReport } from '../../operations/dead-letters/retry-letters.ts';
import type { LetterFilter } from '../../operations/dead-letters/select-letters.ts';
import { showLetter } from '../../operations/dead-letters/show-letter.ts';
import { modelsOnLog } from '../../operations/topic-reading.ts';
import type { CommandBody, CommandContext, ExitCode } from '../command.ts';
import type { deadLettersFlags, deadLettersPositionals } from '../definitions/dead-letters.ts';
import { formatLetters, formatRetry, formatShown, letterJson } from '../stages/dead-letter-text.ts';
import { watched, withWorkspace, type Workspace } from '../wiring.ts';

type Context = CommandContext<typeof deadLettersFlags, typeof deadLettersPositionals>;

export const run: CommandBody<typeof deadLettersFlags, typeof deadLettersPositionals> = (context) => {
  const { action, ids = [] } = context.args;
  if (action === 'list' && ids.length > 0)
    throw new UsageError('"dead-letters list" takes no ids: "dead-letters show ID" shows one.');
  if (action === 'show' && ids.length !== 1)
    throw new UsageError('"dead-letters show" needs one record id, or the place of one letter (0@17).');
  if (action !== 'list' && context.options.state !== undefined)
    throw new UsageError(`--state is for "dead-letters list": ${action} goes by the state itself.`);
  const body = { list, show, retry }[action];
  return withWorkspace(watched(context), async (workspace) => {
    commonPartitions(await workspace.log.topics(), workspace.namespace);
    return body(workspace, context, ids);
  });
};

async function list(workspace: Workspace, context: Context): Promise<ExitCode> {
  const { options, signal, output } = context;
  const filter = {
    ...(await filterOf(workspace, options)),
    ...(options.state && { states: options.state }),
  };
  const { letters, hasMore } = await listLetters({ ...workspace, signal }, filter, options.limit);
  output.result({ letters: letters.map(letterJson), hasMore }, () => formatLetters(letters, hasMore));
  return 0;
}

async function show(
  workspace: Workspace,
  { signal, output }: Context,
  [id = '']: readonly string[],
): Promise<ExitCode> {
  const shown = await showLetter({ ...workspace, signal }, id);
  const { headers, value, others } = shown;
  output.result({ ...letterJson(shown), headers, value: valueJson(value), others }, () => formatShown(shown));
  return 0;
}

async function retry(workspace: Workspace, context: Context, ids: readonly string[]): Promise<ExitCode> {
  const { options, signal, output, progress } = context;
  const filter = { ...(await filterOf(workspace, options)), ...(ids.length > 0 && { ids }) };
  const stage = progress.stage('retry', { unit: 'records' });
  const report = await retryLetters({ ...workspace, signal }, filter, {
    onProgress: (published) => {
      stage.setDone(published);
    },
  });
  stage.finish();
  output.result(report, () => formatRetry(report));
  return isPartial(report) ? 1 : 0;
}

/** Something that was asked for by name could not be done. */
function isPartial({ notFound, inSource }: RetryReport): boolean {
  return notFound.length > 0 || inSource.length > 0;
}

async function filterOf(workspace: Workspace, options: Context['options']): Promise<LetterFilter> {
  return {
    ...(options.reason && { reasons: options.reason }),
    ...(options.stage && { stages: options.stage }),
    ...(options.model && { models: await modelNames(workspace, options.model) }),
  };
}

/** As they are in the names of topics; a model may have come from a folder that is gone. */
async function modelNames({ log, namespace }: Workspace, models: readonly string[]): Promise<string[]> {
  const known = modelsOnLog(await log.topics(), namespace);
  return Promise.all(
    models.map(async (model) => (known.includes(model) ? model : topicSegment((await findModel(model)).name))),
  );
}

/** Bytes of an image as base64: JSON has none. */
function valueJson(value: Awaited<ReturnType<typeof showLetter>>['value']): unknown {
  if (value.form !== 'record' || value.record.image?.bytes === undefined) return value;
  const { image } = value.record;
  return {
    form: 'record',
    record: { ...value.record, image: { ...image, bytes: Buffer.from(value.record.image.bytes).toString('base64') } },
  };
}
