import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { LONG_TEXTS } from '../long-text.ts';
import { nearestName } from '../../record/nearest-name.ts';

/**
 * What `--model` says, in one string that every command understands: `NAME`, `./folder` or `hf:owner/name@revision`,
 * and behind a `?` what differs from the model's own facts: `./my-model?pooling=cls&max-tokens=128`. Pure.
 */
export interface ModelSpec {
  readonly base: string;
  readonly settings: ModelSettings;
}

const count = z.coerce.number('must be a whole number').int('must be a whole number').positive('must be above zero');

/** Kebab-case names are those of the flags. */
const settingsSchema = z.strictObject({
  /** The name to go by; of a name of the catalogue the facts are taken, too. */
  as: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,150}$/, 'must be letters, digits, ".", "_" and "-"')
    .optional(),
  dimensions: count.optional(),
  pooling: z.enum(['mean', 'cls', 'last', 'graph'], 'must be mean, cls, last or graph').optional(),
  normalise: z.stringbool('must be true or false').optional(),
  'max-tokens': count.optional(),
  'long-text': z.enum(LONG_TEXTS, `must be ${LONG_TEXTS.join(', ')}`).optional(),
  'query-prefix': z.string().optional(),
  'document-prefix': z.string().optional(),
  'model-dtype': z.string().min(1, 'must name one').optional(),
});

export type ModelSettings = z.output<typeof settingsSchema>;

/** @throws UsageError for a setting that there is not, or a value that it can't have. */
export function parseModelSpec(model: string): ModelSpec {
  const mark = model.indexOf('?');
  if (mark < 0) return { base: model, settings: {} };
  const given = Object.fromEntries(new URLSearchParams(model.slice(mark + 1)));
  const parsed = settingsSchema.safeParse(given);
  if (parsed.success) return { base: model.slice(0, mark), settings: parsed.data };
  const known = Object.keys(settingsSchema.shape);
  const reasons = parsed.error.issues.map((issue) => {
    if (issue.code !== 'unrecognized_keys') return `${issue.path.join('.')} ${issue.message}`;
    const meant = nearestName(issue.keys[0] ?? '', known);
    return `${issue.keys.join(', ')} is no setting${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
  });
  throw new UsageError(
    `--model=${model}: ${reasons.join('; ')}. Behind the "?" may stand ${known.join(', ')}, as in ./folder?pooling=cls.`,
  );
}

export function formatModelSpec({ base, settings }: ModelSpec): string {
  const given = Object.entries(settings).map(([key, value]): [string, string] => [key, String(value)]);
  return given.length === 0 ? base : `${base}?${new URLSearchParams(given).toString()}`;
}

/** Whether it names a folder (`./…`, `../…`, `/…`, `C:\…`), and not a model of the catalogue. */
export function isFolder(base: string): boolean {
  return /^(?:\.{1,2}$|\.{0,2}[\\/]|[a-z]:[\\/])/i.test(base);
}

export interface HubReference {
  /** `owner/name` */
  readonly repository: string;
  readonly revision: string;
}

/**
 * `hf:owner/name[@revision]`; undefined for anything else.
 *
 * @throws UsageError for `hf:` and something else behind it.
 */
export function parseHubReference(base: string): HubReference | undefined {
  if (!base.startsWith('hf:')) return undefined;
  const match = /^hf:(?:https:\/\/huggingface\.co\/)?([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/.exec(base);
  if (match?.[1] === undefined)
    throw new UsageError(
      `--model=${base} must be hf:owner/name, or hf:owner/name@revision for a commit, tag or branch.`,
    );
  return { repository: match[1], revision: match[2] ?? 'main' };
}

/** The name that a repository's model goes by, as the hub's own cache has it: `owner--name`. */
export function nameOfRepository(repository: string): string {
  return repository.replace('/', '--');
}

/** Whether it is such a name: that of a model which is known by it though nothing of the repository is here. */
export function isRepositoryName(name: string): boolean {
  return /^[\w.-]+--[\w.-]+$/.test(name);
}
