import { describe, expect, it } from 'vitest';
import {
  missingModels,
  oldVersions,
  planVersion,
  readVersions,
  servingOf,
} from '../../../../src/sinks/stores/elasticsearch/versions.ts';

const PLACE = { alias: 'products', where: 'http://localhost', field: 'a' };

type Index = readonly [name: string, kind: 'serving' | 'building' | 'old' | 'foreign', models: Record<string, string>];

/** As Elasticsearch answers: models by field name, with how far they are. */
function answer(...indices: readonly Index[]): unknown {
  return Object.fromEntries(
    indices.map(([name, kind, models]) => {
      const fields = Object.entries(models).map(([model, state]) => [
        model,
        { type: 'dense_vector', dims: 8, similarity: 'cosine', meta: { model, state } },
      ]);
      const aliases = kind === 'serving' ? { products: {} } : {};
      const meta = kind === 'foreign' ? {} : { _meta: { embedstream: { building: kind === 'building' } } };
      const properties = { embeddings: { properties: Object.fromEntries(fields) as unknown } };
      return [name, { aliases, mappings: { ...meta, properties } }];
    }),
  );
}

const plan = (rebuild: boolean, ...indices: Index[]): unknown => {
  const made = planVersion(PLACE, readVersions('products', answer(...indices)), rebuild);
  return made.kind === 'use' ? [made.index.name, made.isNew] : [made.name, made.unfinished];
};

describe('several models that are filled anew side by side', () => {
  const left = readVersions('products', answer(['products-000002', 'building', { b: 'filling' }]));
  const together = ['a', 'b'];

  it('leave alone what a killed command has left of any of them', () => {
    const made = planVersion({ ...PLACE, together }, left, true);
    expect(made).toEqual({ kind: 'create', name: 'products-000003', unfinished: ['products-000002'] });
  });

  it('share what one of them has begun', () => {
    const made = planVersion({ ...PLACE, together, isOwnBuild: (name) => name === 'products-000002' }, left, true);
    expect(made).toMatchObject({ kind: 'use', index: { name: 'products-000002' }, isNew: true });
  });

  it('join the rebuild of another model', () => {
    expect(planVersion({ ...PLACE, together: ['a', 'c'] }, left, true)).toMatchObject({ kind: 'use', isNew: true });
  });
});

describe('where a model is written to', () => {
  const complete = { a: 'complete' };
  for (const [title, rebuild, indices, expected] of [
    ['a first index', false, [], ['products-000001', []]],
    ['what serves', false, [['products-000001', 'serving', complete]], ['products-000001', false]],
    [
      'what serves, for the first time',
      false,
      [['products-000001', 'serving', { b: 'complete' }]],
      ['products-000001', true],
    ],
    ['a new index beside it', true, [['products-000001', 'serving', complete]], ['products-000002', []]],
    [
      'a new number, whatever is old',
      true,
      [
        ['products-000001', 'serving', complete],
        ['products-000041', 'old', {}],
      ],
      ['products-000042', []],
    ],
    [
      'what it had begun',
      false,
      [
        ['products-000001', 'serving', complete],
        ['products-000002', 'building', { a: 'filling' }],
      ],
      ['products-000002', false],
    ],
    [
      'what serves, while another model is filled anew',
      false,
      [
        ['products-000001', 'serving', { a: 'complete', b: 'complete' }],
        ['products-000002', 'building', { b: 'filling' }],
      ],
      ['products-000001', false],
    ],
    [
      'with that other model, when it is to be filled anew as well',
      true,
      [
        ['products-000001', 'serving', { a: 'complete', b: 'complete' }],
        ['products-000002', 'building', { b: 'filling' }],
      ],
      ['products-000002', true],
    ],
    [
      'anew, when it had begun',
      true,
      [
        ['products-000001', 'serving', complete],
        ['products-000002', 'building', { a: 'filling' }],
      ],
      ['products-000003', ['products-000002']],
    ],
    [
      'with the first model, while nothing serves',
      false,
      [['products-000001', 'building', { b: 'filling' }]],
      ['products-000001', true],
    ],
    [
      'not what has a longer name',
      false,
      [
        ['products-of-theirs', 'foreign', {}],
        ['products-7', 'foreign', {}],
      ],
      ['products-000001', []],
    ],
    ['six digits and more', true, [['products-1000000', 'serving', complete]], ['products-1000001', []]],
  ] satisfies [string, boolean, Index[], unknown][])
    it(title, () => {
      expect(plan(rebuild, ...indices)).toEqual(expected);
    });

  it('is nowhere, where the name or the alias is taken', () => {
    expect(() => plan(true, ['products', 'foreign', {}])).toThrow(/is an index/);
    expect(() => plan(true, ['products-000001', 'serving', {}], ['products-000002', 'serving', {}])).toThrow(
      /of 2 indices/,
    );
  });
});

it('waits for every model that serves or is being filled', () => {
  const versions = readVersions(
    'products',
    answer(
      ['products-000001', 'serving', { a: 'complete', b: 'complete' }],
      ['products-000002', 'building', { a: 'complete', c: 'filling' }],
    ),
  );
  const [serving, building] = versions;
  if (building === undefined) throw new Error('There is none');
  expect(servingOf('products', '', versions)).toBe(serving);
  expect(missingModels(building, serving, [])).toEqual(['b', 'c']);
  expect(missingModels(building, serving, ['b', 'c'])).toEqual([]);
  expect(missingModels(building, undefined, [])).toEqual(['c']);
});

it('takes for old what serves nobody and is filled by nobody, and never what is not ours', () => {
  const versions = readVersions(
    'products',
    answer(
      ['products-000001', 'old', {}],
      ['products-000002', 'foreign', {}],
      ['products-000003', 'serving', {}],
      ['products-000004', 'building', {}],
    ),
  );
  expect(oldVersions(versions)).toEqual(['products-000001']);
});
