import { UsageError } from '../../errors.ts';
import { columnIndex, requireColumn } from './columns.ts';

export interface Condition {
  readonly column: number;
  readonly value: string;
  readonly isEqual: boolean;
}

/** `column=value` or `column!=value`. A column's name may hold `=`: the longest that is a column counts. */
export function parseCondition(names: readonly string[], text: string): Condition {
  for (let at = text.lastIndexOf('='); at > 0; at = text.lastIndexOf('=', at - 1)) {
    const isEqual = text[at - 1] !== '!';
    const column = columnIndex(names, text.slice(0, isEqual ? at : at - 1));
    if (column >= 0) return { column, value: text.slice(at + 1).trim(), isEqual };
  }
  const end = text.search(/!?=/);
  if (end <= 0) throw new UsageError(`--where=${text}: write column=value or column!=value.`);
  return { column: requireColumn(names, text.slice(0, end), `--where=${text}`), value: '', isEqual: true };
}

export function meetsAll(conditions: readonly Condition[], values: readonly string[]): boolean {
  for (const { column, value, isEqual } of conditions) if ((values[column] === value) !== isEqual) return false;
  return true;
}
