import { UsageError } from '../../errors.ts';
import { nearestName } from '../../record/nearest-name.ts';
import { detectIdColumn, detectTextColumns, profileColumns } from '../csv/detect-columns.ts';
import {
  formatTemplate,
  joinColumns,
  parseTemplate,
  templateColumns,
  type TemplateToken,
  TextTemplate,
} from '../csv/template.ts';
import { describeReference, type ImageReference, parseImageReference } from '../image/image-reference.ts';
import type { FormatOptions } from '../port.ts';
import { FieldPath } from './field-path.ts';
import type { FieldSample } from './field-sample.ts';

export interface FieldCondition {
  readonly field: FieldPath;
  readonly value: string;
  readonly isEqual: boolean;
}

/** How objects become items: decided once from the options and a sample. */
export interface RecordPlan {
  /** The fields that tokens mean by their number. */
  readonly fields: readonly FieldPath[];
  readonly id: readonly TemplateToken[];
  /** Without fields where an image is all there is. */
  readonly text: TextTemplate;
  readonly image: ImageReference | undefined;
  /** Fields to keep, or all but the ones in `leaveOut`. */
  readonly metadata: readonly FieldPath[] | 'all';
  readonly leaveOut: ReadonlySet<string>;
  readonly where: readonly FieldCondition[];
  /** What was chosen and why, for the user. */
  readonly description: Readonly<Record<string, string>>;
}

/** `imageBytes`: the field that holds the image itself, where there is one. */
export function planRecords(options: FormatOptions, sample: FieldSample, imageBytes?: string): RecordPlan {
  const names: string[] = [];
  const field = (name: string): number => {
    const at = names.indexOf(name.trim());
    return at >= 0 ? at : names.push(name.trim()) - 1;
  };
  const id = planId(options, sample, field);
  const image: ImageReference | undefined =
    imageBytes === undefined
      ? parseImageReference(options, (name, flag) => requiredIn(sample, flag, field)(name))
      : { kind: 'bytes', tokens: [{ column: field(imageBytes) }] };
  const text = planText(options, sample, field, image !== undefined);
  const isGiven = options.metadata !== undefined;
  const metadata = planMetadata(options);
  const used = templateColumns([...id.tokens, ...text.tokens]).map((index) => names[index] ?? '');
  const where = (options.where ?? []).map((condition) => parseFieldCondition(condition, sample));
  return {
    fields: names.map((name) => new FieldPath(name)),
    id: id.tokens,
    text: new TextTemplate(text.tokens, { dropRepeats: options.text === undefined }),
    image,
    metadata,
    leaveOut: new Set([...(isGiven ? [] : used), ...(imageBytes === undefined ? [] : [imageBytes])]),
    where,
    description: {
      id: `${describe(id.tokens, names)} (${id.reason})`,
      text: text.tokens.length === 0 ? 'none' : `${describe(text.tokens, names)} (${text.reason})`,
      ...(image && { image: describeReference(image, names) }),
      metadata: describeMetadata(metadata, isGiven),
      ...(where.length === 0 ? {} : { where: (options.where ?? []).join(' and ') }),
    },
  };
}

interface Choice {
  readonly tokens: readonly TemplateToken[];
  readonly reason: string;
}

/** Beside an image. */
const NO_TEXT: Choice = { tokens: [], reason: '' };

type NumberField = (name: string) => number;

/** Of papers by paragraph, where nothing else is an id: a paper's own name is that of all its paragraphs. */
const PARAGRAPH = ['paper_id', 'paragraph_index'];
const OTHER_IDS = ['id', 'object_id', '_id', 'record_id', 'uuid'];

function planId({ id }: FormatOptions, sample: FieldSample, field: NumberField): Choice {
  if (id !== undefined) return { tokens: parseFields(id, '#', requiredIn(sample, '--id', field)), reason: 'as given' };
  const isOfParagraphs = PARAGRAPH.every((name) => sample.has(name)) && !OTHER_IDS.some((name) => sample.has(name));
  if (isOfParagraphs) return { tokens: parseFields(PARAGRAPH.join(), '#', field), reason: 'by their names' };
  const found = detectIdColumn(profileColumns(sample.names, sample.rows));
  if (found !== undefined)
    return { tokens: [{ column: field(sample.names[found.column] ?? '') }], reason: found.reason };
  throw new UsageError(
    `${sample.location}: no field is there in every record and unique, so that there is no id to be found. Name one ` +
      `with --id=FIELD, or several that are unique together with --id=A,B. ${sample.list()}`,
  );
}

function planText({ text }: FormatOptions, sample: FieldSample, field: NumberField, hasImage: boolean): Choice {
  if (hasImage && text === 'none' && !sample.has('none')) return NO_TEXT;
  if (text !== undefined) {
    const tokens = parseFields(text, '. ', field);
    return { tokens, reason: 'as given' };
  }
  const found = detectTextColumns(profileColumns(sample.names, sample.rows));
  if (found.columns.length > 0) {
    const columns = found.columns.map((column) => field(sample.names[column] ?? ''));
    return { tokens: joinColumns(columns, '. '), reason: found.reason };
  }
  if (hasImage) return NO_TEXT;
  throw new UsageError(
    `${sample.location}: no field looks like text. Say what to embed with --text=FIELD or --text='{a.b}. {c}'. ${sample.list()}`,
  );
}

/** A field that no record of the sample has would make a dead letter of each. */
function requiredIn(sample: FieldSample, flag: string, field: NumberField): NumberField {
  return (name) => {
    if (sample.isEmpty || sample.has(name.trim())) return field(name);
    const near = nearestName(name.trim(), sample.names);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new UsageError(`${flag}: ${sample.location} has no field "${name.trim()}".${hint} ${sample.list()}`);
  };
}

function parseFields(given: string | readonly string[], separator: string, field: NumberField): TemplateToken[] {
  if (typeof given !== 'string') return joinColumns(given.map(field), separator);
  if (!given.includes('{')) return joinColumns(given.split(',').map(field), separator);
  const tokens = parseTemplate(given, field);
  if (templateColumns(tokens).length > 0) return tokens;
  throw new UsageError(`"${given}" holds no {field}, so that it would be the same for every record.`);
}

function planMetadata({ metadata }: FormatOptions): readonly FieldPath[] | 'all' {
  if (metadata === undefined || metadata === 'all') return 'all';
  if (metadata === 'none' || metadata === '') return [];
  const names = typeof metadata === 'string' ? metadata.split(',') : metadata;
  return [...new Set(names.map((name) => name.trim()))].map((name) => new FieldPath(name));
}

/** `field=value` or `field!=value`. A field's name may hold `=`: the longest that the sample has counts. */
function parseFieldCondition(text: string, sample: FieldSample): FieldCondition {
  const cut = (at: number): FieldCondition => {
    const isEqual = text[at - 1] !== '!';
    return {
      field: new FieldPath(text.slice(0, isEqual ? at : at - 1).trim()),
      value: text.slice(at + 1).trim(),
      isEqual,
    };
  };
  for (let at = text.lastIndexOf('='); at > 0; at = text.lastIndexOf('=', at - 1)) {
    const condition = cut(at);
    if (sample.has(condition.field.name)) return condition;
  }
  const first = text.indexOf('=');
  if (first > 0 && text.slice(0, first) !== '!') return cut(first);
  throw new UsageError(`--where=${text}: write field=value or field!=value.`);
}

function describe(tokens: readonly TemplateToken[], names: readonly string[]): string {
  const [first] = tokens;
  return tokens.length === 1 && typeof first === 'object' ? (names[first.column] ?? '') : formatTemplate(tokens, names);
}

function describeMetadata(metadata: readonly FieldPath[] | 'all', isGiven: boolean): string {
  if (metadata === 'all') return isGiven ? 'all' : 'all others';
  return metadata.length === 0 ? 'none' : metadata.map(({ name }) => name).join(', ');
}
