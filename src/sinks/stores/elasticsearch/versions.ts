import { fatalError, type PipelineError } from '../../../errors.ts';
import { asObject, type Json, objectIn, textIn } from './answers.ts';
import type { ModelState } from './mapping.ts';

/** The versions of an index behind one alias, and what is to be done with them. Pure. */

export interface IndexVersion {
  /** `<alias>-<six digits>` */
  readonly name: string;
  /** Undefined where the name is not one of ours. */
  readonly number: number | undefined;
  /** Searches find it under the alias. */
  readonly isServing: boolean;
  /** Made by this program, not filled yet and not serving. */
  readonly isBuilding: boolean;
  /** Made by this program. */
  readonly isOurs: boolean;
  /** By field name. */
  readonly models: ReadonlyMap<string, ModelOfIndex>;
  /** How vectors are written; undefined where that was not found out yet. */
  readonly vectors: VectorForm | undefined;
}

export type VectorForm = 'base64' | 'json';

export interface ModelOfIndex {
  readonly model: string;
  readonly state: ModelState;
  readonly dimension: number;
  readonly similarity: string;
  readonly indexOptions: string;
}

export type Plan =
  /** `isNew`: the model has no field there yet. */
  | { readonly kind: 'use'; readonly index: IndexVersion; readonly isNew: boolean }
  | { readonly kind: 'create'; readonly name: string; readonly unfinished: readonly string[] };

const DIGITS = 6;

/** Of `GET /<alias>,<alias>-*`. */
export function readVersions(alias: string, body: unknown): IndexVersion[] {
  return Object.entries(asObject(body) ?? {}).flatMap(([name, index]): IndexVersion[] => {
    const number = numberOf(alias, name);
    const isServing = objectIn(objectIn(index, 'aliases'), alias) !== undefined;
    if (number === undefined && !isServing && name !== alias) return [];
    const mappings = objectIn(index, 'mappings');
    const ours = objectIn(objectIn(mappings, '_meta'), 'embedstream');
    return [
      {
        ...{ name, number, isServing, isOurs: ours !== undefined },
        isBuilding: ours !== undefined && !isServing && ours['building'] === true,
        vectors: vectorForm(ours?.['vectors']),
        models: modelsIn(mappings),
      },
    ];
  });
}

function vectorForm(value: unknown): VectorForm | undefined {
  return value === 'base64' || value === 'json' ? value : undefined;
}

function modelsIn(mappings: Json | undefined): Map<string, ModelOfIndex> {
  const fields = objectIn(objectIn(objectIn(mappings, 'properties'), 'embeddings'), 'properties') ?? {};
  return new Map(
    Object.entries(fields).map(([field, mapping]) => {
      const meta = objectIn(mapping, 'meta');
      const state = textIn(meta, 'state');
      return [
        field,
        {
          model: textIn(meta, 'model') ?? field,
          state: state === 'new' || state === 'filling' ? state : 'complete',
          dimension: Number(asObject(mapping)?.['dims']),
          similarity: textIn(mapping, 'similarity') ?? 'cosine',
          indexOptions: textIn(objectIn(mapping, 'index_options'), 'type') ?? '',
        },
      ];
    }),
  );
}

export function numberOf(alias: string, name: string): number | undefined {
  const digits = name.startsWith(`${alias}-`) ? name.slice(alias.length + 1) : '';
  return /^\d{6,}$/.test(digits) ? Number(digits) : undefined;
}

export function servingOf(alias: string, where: string, versions: readonly IndexVersion[]): IndexVersion | undefined {
  const taken = versions.find(({ name }) => name === alias);
  if (taken !== undefined)
    throw fatalError(
      'ELASTIC_NOT_AN_ALIAS',
      `"${alias}" at ${where} is an index, and must be an alias, so that a rebuilt index can take its place at once. Give ` +
        `another name with --es-index, or copy that index to one of another name, delete it and make "${alias}" its alias.`,
    );
  const [serving, ...others] = versions.filter(({ isServing }) => isServing);
  if (others.length > 0)
    throw fatalError(
      'ELASTIC_ALIAS_OF_SEVERAL',
      `The alias "${alias}" at ${where} is of ${others.length + 1} indices, and must be of one: take it from all but one.`,
    );
  return serving;
}

/**
 * Where a model is to be written. Several models share an index, also while it is being built: it serves when all of
 * them are complete.
 */
export function planVersion(
  target: {
    readonly alias: string;
    readonly where: string;
    readonly field: string;
    /** Fields of the models that the command fills anew side by side. */
    readonly together?: readonly string[];
    /** This process has made it, or begun to fill it. */
    readonly isOwnBuild?: (name: string) => boolean;
  },
  versions: readonly IndexVersion[],
  rebuild: boolean,
): Plan {
  const serving = servingOf(target.alias, target.where, versions);
  const building = versions.filter(({ isBuilding }) => isBuilding);
  const newest = building.toSorted((one, other) => (other.number ?? 0) - (one.number ?? 0))[0];
  const isBegun = newest?.models.has(target.field) === true;
  if (rebuild) {
    // One that a command like this one has left: who of its models begins must not keep what the next one removes.
    const isLeft =
      newest !== undefined &&
      target.isOwnBuild?.(newest.name) !== true &&
      target.together?.some((field) => newest.models.has(field)) === true;
    // Another model's rebuild, which this one is a part of.
    if (newest !== undefined && !isBegun && !isLeft) return { kind: 'use', index: newest, isNew: true };
    return { kind: 'create', name: nextName(target.alias, versions), unfinished: building.map(({ name }) => name) };
  }
  if (newest !== undefined && isBegun) return { kind: 'use', index: newest, isNew: false };
  if (serving !== undefined) {
    if (!serving.isOurs) throw notOurs(target.alias, target.where, serving.name);
    return { kind: 'use', index: serving, isNew: !serving.models.has(target.field) };
  }
  if (newest !== undefined) return { kind: 'use', index: newest, isNew: true };
  return { kind: 'create', name: nextName(target.alias, versions), unfinished: [] };
}

function nextName(alias: string, versions: readonly IndexVersion[]): string {
  const last = Math.max(0, ...versions.map(({ number = 0 }) => number));
  return `${alias}-${String(last + 1).padStart(DIGITS, '0')}`;
}

function notOurs(alias: string, where: string, name: string): PipelineError {
  return fatalError(
    'ELASTIC_FOREIGN_INDEX',
    `The alias "${alias}" at ${where} is of the index ${name}, which embedstream has not made. With --force a new index is ` +
      `filled and takes the alias; ${name} stays. Or give another name with --es-index.`,
  );
}

/** What keeps an index from taking a model's vectors, in words that follow its name. */
export function modelProblem(
  wanted: Pick<ModelOfIndex, 'model' | 'dimension' | 'similarity'>,
  present: ModelOfIndex,
): string | undefined {
  if (present.model !== wanted.model)
    return `has the vectors of ${present.model} in the field that those of ${wanted.model} would get`;
  if (present.dimension !== wanted.dimension)
    return `has vectors of ${present.dimension} numbers for ${wanted.model}, and those of this log have ${wanted.dimension}`;
  if (present.similarity !== wanted.similarity)
    return `compares the vectors of ${wanted.model} by ${present.similarity}, and the model wants ${wanted.similarity}`;
  return undefined;
}

/** Models that the alias has now, or that are being filled, and that are not complete in the index to come. */
export function missingModels(
  building: IndexVersion,
  serving: IndexVersion | undefined,
  dropped: readonly string[],
): string[] {
  const wanted = new Map([...(serving?.models ?? []), ...building.models].map(([field, { model }]) => [field, model]));
  return Array.from(wanted)
    .filter(([field, model]) => !dropped.includes(model) && building.models.get(field)?.state !== 'complete')
    .map(([, model]) => model);
}

/** Those that serve nobody and that nobody fills. */
export function oldVersions(versions: readonly IndexVersion[]): string[] {
  return versions
    .filter(({ isOurs, isServing, isBuilding, number }) => isOurs && !isServing && !isBuilding && number !== undefined)
    .map(({ name }) => name);
}
