import { expect, it } from 'vitest';
import type { EmbeddingChange } from '../../../../src/sinks/stores/port.ts';
import { changeFault, isVain } from '../../../../src/sinks/stores/postgres/change-faults.ts';
import type { TableShape } from '../../../../src/sinks/stores/postgres/table.ts';

const UUID = '2f1c7e66-6a0c-4b8b-9d5e-0a4f5d3c2b1a';
const shape = {
  shownName: 't',
  idType: 'text',
  longestId: undefined,
  vectorType: 'vector',
  dimension: 2,
} as TableShape;
const change = (id: string, vector: number[] = [1, 2]): EmbeddingChange =>
  ({ offset: 0, id, embedding: { vector: Float32Array.from(vector) } }) as EmbeddingChange;

it.each<[Partial<TableShape>, string, boolean]>([
  [{}, 'any text', true],
  [{}, 'with \0', false],
  [{ longestId: 3 }, '𝄞bc', true],
  [{ longestId: 3 }, 'abcd', false],
  [{ idType: 'uuid' }, UUID, true],
  [{ idType: 'uuid' }, UUID.toUpperCase(), false],
  [{ idType: 'uuid' }, 'd1', false],
  [{ idType: 'int8' }, '9223372036854775807', true],
  [{ idType: 'int8' }, '-9223372036854775808', true],
  [{ idType: 'int8' }, '9223372036854775808', false],
  [{ idType: 'int4' }, '2147483648', false],
  [{ idType: 'int4' }, '0', true],
  [{ idType: 'int2' }, '32767', true],
  [{ idType: 'int2' }, '007', false],
  [{ idType: 'int2' }, '1.0', false],
])('of a column %o the id %j: %s', (column, id, fits) => {
  const fault = changeFault(change(id), { ...shape, ...column });
  expect(fault?.code).toBe(fits ? undefined : 'PGVECTOR_ID');
  expect(fault?.poison ?? true).toBe(true);
  const deletion = { offset: 0, id, embedding: null };
  expect(changeFault(deletion, { ...shape, ...column })).toBeUndefined();
  expect(isVain(deletion, { ...shape, ...column })).toBe(!fits);
});

it.each<[TableShape['vectorType'], number[], string | undefined]>([
  ['vector', [1, 3e38], undefined],
  ['vector', [1, NaN], 'PGVECTOR_NUMBER'],
  ['vector', [-Infinity, 1], 'PGVECTOR_NUMBER'],
  ['halfvec', [65_504, -65_504], undefined],
  ['halfvec', [65_520, 0], 'PGVECTOR_NUMBER'],
  ['vector', [1, 2, 3], 'PGVECTOR_DIMENSION'],
])('of a %s the numbers %j', (vectorType, vector, code) => {
  expect(changeFault(change('id', vector), { ...shape, vectorType })?.code).toBe(code);
});
