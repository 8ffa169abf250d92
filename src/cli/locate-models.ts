import { homedir } from 'node:os';
import type { CatalogEntry } from '../models/catalog/entry.ts';
import type { DownloadReporter } from '../models/hub/obtain-model.ts';
import type { LocateOptions } from '../models/locate-model.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Progress } from '../telemetry/progress.ts';
import type { Command, GlobalOptions } from './command.ts';
import { modelSettingFlags } from './definitions/model-settings.ts';
import { kebabCase } from './flags.ts';

/** What it takes to bring the files of a model here. */
export interface LocateContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface LocatedModels {
  readonly options: GlobalOptions;
  /** As in the context of a command. */
  readonly givenModels: readonly string[];
}

/**
 * Puts the folder of a model in place of its name: of `--models-dir`, or in the cache of the Hugging Face hub, where a
 * command that runs models downloads what is missing. What the flags want of models stands behind it.
 */
export async function locateModels(
  options: GlobalOptions,
  command: Pick<Command, 'runsModels'>,
  context: LocateContext,
): Promise<LocatedModels> {
  const { model, dryRun } = options as GlobalOptions & { model?: string | readonly string[]; dryRun?: boolean };
  if (model === undefined) return { options, givenModels: [] };
  const downloads = command.runsModels === true && dryRun !== true;
  const located: string[] = [];
  const givenModels: string[] = [];
  // One after the other: two downloads side by side would share one line, and be no faster.
  for (const each of [model].flat()) {
    givenModels.push(await specOf(each, options));
    located.push(await locateOne(each, options, downloads, context));
  }
  return {
    options: Object.assign({}, options, { model: typeof model === 'string' ? located[0] : located }),
    givenModels,
  };
}

/** The same for one model, as `models` names it. */
export async function locateOne(
  model: string,
  options: GlobalOptions,
  downloads: boolean,
  context: LocateContext,
): Promise<string> {
  // The catalogue is loaded by no command that names no model.
  const { locateModel } = await import('../models/locate-model.ts');
  return locateModel(await specOf(model, options), await optionsOf(model, options, downloads, context));
}

/** All that is known of a model, though it may not be here. */
export async function explainOne(model: string, options: GlobalOptions, context: LocateContext): Promise<CatalogEntry> {
  const { explainModel } = await import('../models/locate-model.ts');
  return explainModel(await specOf(model, options), await optionsOf(model, options, false, context));
}

/** What is said of one model, behind its name, counts more than what flags say of all. */
async function specOf(model: string, options: object): Promise<string> {
  const given = Object.entries(options).filter(([key]) => key in modelSettingFlags);
  if (given.length === 0) return model;
  const { formatModelSpec, parseModelSpec } = await import('../models/catalog/model-spec.ts');
  const { base, settings } = parseModelSpec(model);
  const asked = Object.fromEntries(given.map(([key, value]: [string, unknown]) => [kebabCase(key), value]));
  return formatModelSpec({ base, settings: { ...asked, ...settings } });
}

async function optionsOf(
  model: string,
  { modelsDir }: GlobalOptions,
  downloads: boolean,
  context: LocateContext,
): Promise<LocateOptions> {
  const { hubSettings } = await import('../models/hub/settings.ts');
  const hub = hubSettings(context.environment, homedir());
  return { modelsDir, hub, downloads, reporter: reporterOf(model, context), signal: context.signal };
}

function reporterOf(model: string, { log, progress }: LocateContext): DownloadReporter {
  let stage: ReturnType<Progress['stage']> | undefined;
  return {
    onStart: (files, bytes) => {
      if (files === 0) return;
      log.info(`Downloading ${model}: ${String(files)} ${files === 1 ? 'file' : 'files'}.`);
      stage = progress.stage(`download ${model}`, { unit: 'bytes', total: bytes });
    },
    onBytes: (done) => stage?.setDone(done),
    onEnd: () => {
      stage?.finish();
      stage = undefined;
    },
    say: (line) => {
      log.info(line);
    },
  };
}
