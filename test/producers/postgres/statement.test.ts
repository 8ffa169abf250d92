import { expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { readStatement, wholeOf } from '../../../src/producers/postgres/statement.ts';

const KNOWN = ['id', 'client', 'odd "name"', 'a=b'];
const read = (where: string[], limit?: number): unknown =>
  readStatement('assets', ['id', 'odd "name"'], { where, known: KNOWN, ...(limit !== undefined && { limit }) });
const COLUMNS = 'select q."id", q."odd ""name""" from assets as q';

it.each<[string[], string, string[]]>([
  [[], '', []],
  [['client=X'], ' where q."client" = $1', ['X']],
  [["client = 'O''Keeffe'"], ' where q."client" = $1', ["O'Keeffe"]],
  [["client='; drop table assets; --"], ' where q."client" = $1', ["'; drop table assets; --"]],
  [['client!=X', 'a=b=1'], ' where q."client" is distinct from $1 and q."a=b" = $2', ['X', '1']],
  [['client='], ` where coalesce(q."client"::text, '') = ''`, []],
  [["client != ''"], ` where coalesce(q."client"::text, '') <> ''`, []],
])('filters by %j', (where, text, values) => {
  expect(read(where)).toEqual({ text: COLUMNS + text, values });
});

it('limits', () => {
  expect(read([], 5)).toEqual({ text: `${COLUMNS} limit 5`, values: [] });
});

it('refuses a column that is not there, and what is no condition', () => {
  expect(() => read(['cliemt=X'])).toThrow(/no column "cliemt".*Did you mean "client"/);
  expect(() => read(['client'])).toThrow(UsageError);
});

it('takes a query with its comments and semicolon', () => {
  expect(wholeOf({ query: ' select 1 -- one\n; ' })).toBe('(\nselect 1 -- one\n\n)');
  expect(wholeOf({ table: 'public."My Table"' })).toBe('public."My Table"');
});
