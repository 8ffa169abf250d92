import { UsageError } from '../../errors.ts';
import { describeReference, type ImageReference, parseImageReference } from '../image/image-reference.ts';
import { columnIndex, listColumns, requireColumn, requireColumns } from './columns.ts';
import { detectIdColumn, detectTextColumns, profileColumns } from './detect-columns.ts';
import type { CsvSourceOptions } from './options.ts';
import { type Preset, presetColumns, presetForHeader, presetNamed } from './presets.ts';
import { type Condition, parseCondition } from './row-filter.ts';
import {
  formatTemplate,
  joinColumns,
  parseTemplate,
  templateColumns,
  type TemplateToken,
  TextTemplate,
} from './template.ts';

/** How rows become items: decided once from the options, the header and a sample of rows. */
export interface RowPlan {
  readonly names: readonly string[];
  /** Written one after another they are the id; every column in it must have a value. */
  readonly id: readonly TemplateToken[];
  readonly idPattern?: { readonly pattern: RegExp; readonly form: string };
  /** Without columns where an image is all there is. */
  readonly text: TextTemplate;
  readonly image: ImageReference | undefined;
  readonly metadata: readonly number[];
  readonly where: readonly Condition[];
  /** What was chosen and why, for the user. */
  readonly description: Readonly<Record<string, string>>;
}

export function planRows(
  options: CsvSourceOptions,
  names: readonly string[],
  sample: readonly (readonly string[])[],
): RowPlan {
  const preset = choosePreset(options, names);
  const profiles = profileColumns(names, sample);
  const id = planId(options, names, preset, () => detectIdColumn(profiles));
  const image = parseImageReference(options, (name, flag) => requireColumn(names, name, flag));
  const text = planText(options, names, preset, image !== undefined, () => detectTextColumns(profiles));
  const metadata = planMetadata(options, names, preset, new Set(templateColumns([...id.tokens, ...text.tokens])));
  const where = (options.where ?? []).map((condition) => parseCondition(names, condition));
  const isPresetId = preset !== undefined && options.id === undefined;
  return {
    names,
    id: id.tokens,
    ...(isPresetId ? { idPattern: { pattern: preset.idPattern, form: preset.idForm } } : {}),
    text: new TextTemplate(text.tokens, {
      dropRepeats: options.text === undefined,
      lists: new Set((preset?.lists ?? []).map((name) => columnIndex(names, name))),
    }),
    image,
    metadata,
    where,
    description: {
      columns: String(names.length),
      ...(preset === undefined ? {} : { preset: describePreset(preset, options) }),
      id: `${describeId(id.tokens, names)} (${id.reason})`,
      text: text.tokens.length === 0 ? 'none' : `${formatTemplate(text.tokens, names)} (${text.reason})`,
      ...(image && { image: describeReference(image, names) }),
      metadata: describeMetadata(metadata, names),
      ...(where.length === 0 ? {} : { where: (options.where ?? []).join(' and ') }),
      ...(options.limit === undefined ? {} : { limit: String(options.limit) }),
    },
  };
}

interface Choice {
  readonly tokens: readonly TemplateToken[];
  readonly reason: string;
}

/** Beside an image. */
const NO_TEXT: Choice = { tokens: [], reason: '' };

function choosePreset(options: CsvSourceOptions, names: readonly string[]): Preset | undefined {
  const wanted = options.preset ?? 'auto';
  if (wanted === 'none') return undefined;
  return wanted === 'auto' ? presetForHeader(names) : presetNamed(wanted);
}

function describePreset(preset: Preset, options: CsvSourceOptions): string {
  const isAuto = (options.preset ?? 'auto') === 'auto';
  return `${preset.name}: ${preset.title}${isAuto ? ' (by its header; --preset=none turns it off)' : ''}`;
}

function planId(
  options: CsvSourceOptions,
  names: readonly string[],
  preset: Preset | undefined,
  detect: () => { column: number; reason: string } | undefined,
): Choice {
  if (options.id !== undefined) return { tokens: parseId(options.id, names), reason: 'as given' };
  if (preset !== undefined)
    return { tokens: [{ column: requireColumn(names, preset.id, '--preset') }], reason: 'preset' };
  const found = detect();
  if (found !== undefined) return { tokens: [{ column: found.column }], reason: found.reason };
  throw new UsageError(
    `No column is filled and unique, so that there is no id to be found. Name one with --id=COLUMN, or several that ` +
      `are unique together with --id=A,B. ${listColumns(names)}`,
  );
}

function parseId(id: string | readonly string[], names: readonly string[]): TemplateToken[] {
  if (typeof id === 'string' && columnIndex(names, id) >= 0) return [{ column: columnIndex(names, id) }];
  if (typeof id === 'string' && id.includes('{')) {
    const tokens = parseTemplate(id, (name) => requireColumn(names, name, '--id'));
    if (templateColumns(tokens).length > 0) return tokens;
    throw new UsageError(
      `--id=${id} holds no {column}, so that every row would have the same id. ${listColumns(names)}`,
    );
  }
  return joinColumns(requireColumns(names, id, '--id'), '#');
}

function planText(
  options: CsvSourceOptions,
  names: readonly string[],
  preset: Preset | undefined,
  hasImage: boolean,
  detect: () => { columns: readonly number[]; reason: string },
): Choice {
  if (hasImage && options.text === 'none' && columnIndex(names, 'none') < 0) return NO_TEXT;
  if (options.text !== undefined) return { tokens: parseText(options.text, names), reason: 'as given' };
  if (preset !== undefined) {
    const template = presetColumns(preset, names);
    return { tokens: parseTemplate(template, (name) => requireColumn(names, name, '--preset')), reason: 'preset' };
  }
  const found = detect();
  if (found.columns.length > 0) return { tokens: joinColumns(found.columns, '. '), reason: found.reason };
  if (hasImage) return NO_TEXT;
  throw new UsageError(
    `No column looks like text. Say what to embed with --text='{Column}. {Column}'. ${listColumns(names)}`,
  );
}

function parseText(text: string, names: readonly string[]): TemplateToken[] {
  if (!text.includes('{')) return joinColumns(requireColumns(names, text, '--text'), '. ');
  const tokens = parseTemplate(text, (name) => requireColumn(names, name, '--text'));
  if (templateColumns(tokens).length > 0) return tokens;
  throw new UsageError(
    `--text=${text} holds no {column}, so that every row would have the same text. ${listColumns(names)}`,
  );
}

function planMetadata(
  options: CsvSourceOptions,
  names: readonly string[],
  preset: Preset | undefined,
  used: ReadonlySet<number>,
): number[] {
  const all = names.map((_, index) => index);
  const wanted = options.metadata;
  if (wanted === 'none' || wanted === '') return [];
  if (wanted === 'all') return all;
  if (wanted !== undefined) return [...new Set(requireColumns(names, wanted, '--metadata'))];
  if (preset !== undefined) return all.filter((index) => index !== columnIndex(names, preset.id));
  return all.filter((index) => !used.has(index));
}

function describeId(tokens: readonly TemplateToken[], names: readonly string[]): string {
  const [first] = tokens;
  const isColumn = tokens.length === 1 && typeof first === 'object';
  return isColumn ? (names[first.column] ?? '') : formatTemplate(tokens, names);
}

function describeMetadata(metadata: readonly number[], names: readonly string[]): string {
  if (metadata.length === 0) return 'none';
  const listed = metadata.slice(0, 8).map((index) => names[index] ?? '');
  return listed.join(', ') + (metadata.length > 8 ? ` and ${metadata.length - 8} more` : '');
}
