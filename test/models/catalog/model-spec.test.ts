import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import {
  formatModelSpec,
  isFolder,
  isRepositoryName,
  nameOfRepository,
  parseHubReference,
  parseModelSpec,
  type ModelSettings,
} from '../../../src/models/catalog/model-spec.ts';

describe('parseModelSpec', () => {
  it('takes a model apart from its settings', () => {
    expect(parseModelSpec('minilm')).toEqual({ base: 'minilm', settings: {} });
    expect(
      parseModelSpec('./m?pooling=cls&max-tokens=128&normalise=false&query-prefix=query%3A+&dimensions=64'),
    ).toEqual({
      base: './m',
      settings: { pooling: 'cls', 'max-tokens': 128, normalise: false, 'query-prefix': 'query: ', dimensions: 64 },
    });
  });

  it.each([
    ['m?poolin=cls', /poolin is no setting \(did you mean pooling\?\)/],
    ['m?pooling=max', /pooling must be mean, cls, last or graph/],
    ['m?max-tokens=many', /max-tokens must be a whole number/],
    ['m?max-tokens=0', /max-tokens must be above zero/],
    ['m?normalise=perhaps', /normalise must be true or false/],
    ['m?as=a/b', /as must be letters/],
  ])('says what is wrong with %s', (model, message) => {
    expect(() => parseModelSpec(model)).toThrow(UsageError);
    expect(() => parseModelSpec(model)).toThrow(message);
  });

  it('reads what formatModelSpec writes', () => {
    const settings = fc.record(
      {
        pooling: fc.constantFrom('mean', 'cls', 'last', 'graph'),
        dimensions: fc.integer({ min: 1, max: 4096 }),
        normalise: fc.boolean(),
        'query-prefix': fc.string({ unit: 'grapheme' }),
        'model-dtype': fc.string({ minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.constantFrom('m', './m', 'hf:a/b@c', '/x y/z'), settings, (base, given) => {
        const spec = { base, settings: given as ModelSettings };
        expect(parseModelSpec(formatModelSpec(spec))).toEqual(spec);
      }),
    );
  });
});

describe('parseHubReference', () => {
  it('reads owner, name and revision', () => {
    expect(parseHubReference('hf:BAAI/bge-small-en-v1.5')).toEqual({
      repository: 'BAAI/bge-small-en-v1.5',
      revision: 'main',
    });
    expect(parseHubReference('hf:a/b@refs/pr/1')).toEqual({ repository: 'a/b', revision: 'refs/pr/1' });
    expect(parseHubReference('hf:https://huggingface.co/a/b')).toEqual({ repository: 'a/b', revision: 'main' });
    expect(parseHubReference('minilm')).toBeUndefined();
    expect(nameOfRepository('a/b')).toBe('a--b');
  });

  it.each(['hf:', 'hf:name', 'hf:a/b/c', 'hf:../b', 'hf:a/..', 'hf:a/b@', 'hf:a/b@x y'])('refuses %s', (base) => {
    expect(() => parseHubReference(base)).toThrow(/must be hf:owner\/name/);
  });
});

describe('isRepositoryName', () => {
  it('knows the name of a repository from that of a model', () => {
    expect(isRepositoryName('owner--name')).toBe(true);
    for (const name of ['name', 'owner/name', 'bge-small-en-v1.5']) expect(isRepositoryName(name)).toBe(false);
  });
});

describe('isFolder', () => {
  it('knows a path from a name', () => {
    for (const folder of ['.', '..', './m', '../m', '/m', 'C:\\m', '.\\m', 'c:/m']) expect(isFolder(folder)).toBe(true);
    for (const name of ['m', 'a/b', 'hf:a/b', '.m', 'openai/m']) expect(isFolder(name)).toBe(false);
  });
});
