import { plainName } from './columns.ts';

/** What a sample of rows says about one column. */
export interface ColumnProfile {
  readonly name: string;
  /** Share of rows with a value. */
  readonly filled: number;
  /** Distinct values as a share of the values. */
  readonly distinct: number;
  readonly longest: number;
  /** Share of values with a letter in them. */
  readonly worded: number;
  /** Words of a value on average. */
  readonly words: number;
  /** Share of values that are an address. */
  readonly addresses: number;
}

export function profileColumns(names: readonly string[], rows: readonly (readonly string[])[]): ColumnProfile[] {
  return names.map((name, column) => {
    const values = rows.flatMap((row) => (row[column] === undefined || row[column] === '' ? [] : [row[column]]));
    const share = (count: number): number => (values.length === 0 ? 0 : count / values.length);
    const count = (test: RegExp): number => values.filter((value) => test.test(value)).length;
    return {
      name,
      filled: rows.length === 0 ? 0 : values.length / rows.length,
      distinct: share(new Set(values).size),
      longest: values.reduce((longest, value) => Math.max(longest, value.length), 0),
      worded: share(count(/\p{L}/u)),
      words: share(values.reduce((words, value) => words + value.split(/\s+/).length, 0)),
      addresses: share(count(/^[a-z][a-z0-9+.-]*:\/\//i)),
    };
  });
}

const ID_NAMES = [
  'id',
  'objectid',
  'uuid',
  'guid',
  'assetid',
  'recordid',
  'itemid',
  'documentid',
  'docid',
  'identifier',
  'key',
  'objectnumber',
  'accessionnumber',
  'inventorynumber',
  'sku',
  'isbn',
  'doi',
];
/**
 * A column of these names is the id also when many rows are damaged: they become dead letters that say so. Any other
 * name that ends with id is more often a reference to something else, which repeats.
 */
const LISTED_NAME = { filled: 0.5, distinct: 0.5 };
const SIMILAR_NAME = { filled: 0.8, distinct: 0.98 };
const LONGEST_DETECTED_ID = 256;

/** Index of the id column and why it is it, or undefined. */
export function detectIdColumn(profiles: readonly ColumnProfile[]): { column: number; reason: string } | undefined {
  const hasRows = profiles.some((profile) => profile.filled > 0);
  const ranked = profiles
    .map((profile, column) => ({ profile, column, rank: idNameRank(profile.name) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || a.column - b.column);
  for (const { profile, column, rank } of ranked) {
    const least = rank < ID_NAMES.length ? LISTED_NAME : SIMILAR_NAME;
    if (!hasRows || (profile.filled >= least.filled && profile.distinct >= least.distinct)) {
      return { column, reason: 'by its name' };
    }
  }
  const column = profiles.findIndex(
    (profile) => profile.filled === 1 && profile.distinct === 1 && profile.longest <= LONGEST_DETECTED_ID,
  );
  return column < 0 ? undefined : { column, reason: 'the first column that is filled and unique in the sample' };
}

/** 0 is best; -1: not an id's name. `artist_id`, `Artist ID` and `artistId` come after all listed names. */
function idNameRank(name: string): number {
  const rank = ID_NAMES.indexOf(plainName(name));
  if (rank >= 0) return rank;
  return /[^\p{L}\p{N}]id$/iu.test(name) || /[\p{Ll}\p{N}]I[dD]$/u.test(name) ? ID_NAMES.length : -1;
}

const TEXT_NAMES = [
  'title',
  'name',
  'objectname',
  'productname',
  'itemname',
  'displayname',
  'headline',
  'label',
  'subject',
  'subtitle',
  'caption',
  'question',
  'answer',
  'description',
  'shortdescription',
  'longdescription',
  'summary',
  'abstract',
  'text',
  'content',
  'body',
  'message',
  'comment',
  'comments',
  'review',
  'reviewtext',
  'transcript',
  'notes',
  'note',
  'medium',
  'keywords',
  'tags',
];
const PROSE_WORDS = 3;

/** Columns for the text in the order in which they are to be read, and why; none when nothing looks like text. */
export function detectTextColumns(profiles: readonly ColumnProfile[]): { columns: number[]; reason: string } {
  const hasRows = profiles.some((profile) => profile.filled > 0);
  const columns = profiles.map((profile, column) => ({ profile, column }));
  const named = columns
    .map((entry) => ({ ...entry, rank: textNameRank(entry.profile.name) }))
    .filter(({ rank, profile }) => rank >= 0 && (!hasRows || isWorded(profile)))
    .sort((a, b) => a.rank - b.rank || a.column - b.column);
  if (named.length > 0) return { columns: named.map(({ column }) => column), reason: 'by their names' };
  const prose = columns.filter(({ profile }) => isWorded(profile) && profile.words >= PROSE_WORDS);
  return { columns: prose.map(({ column }) => column), reason: 'the columns that hold prose' };
}

function isWorded(profile: ColumnProfile): boolean {
  return profile.filled > 0 && profile.worded >= 0.5 && profile.addresses < 0.5;
}

/** `product_title` and `Artwork Title` rank as `title`; a one-word name must be the whole name (`username` is none). */
function textNameRank(name: string): number {
  const rank = TEXT_NAMES.indexOf(plainName(name));
  if (rank >= 0) return rank;
  const lastWord = name.split(/[^\p{L}\p{N}]+/u).at(-1) ?? '';
  const tail = plainName(lastWord);
  return tail === 'name' ? -1 : TEXT_NAMES.indexOf(tail);
}
