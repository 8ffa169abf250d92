import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STORES } from '../../src/cli/definitions/stores/index.ts';
import { findStoreAdapter } from '../../src/sinks/stores/adapters.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');

// What the example does is tested by test/sinks/stores/sqlite-example.test.ts.
it('the document shows the example that is tested', () => {
  const shown = /```ts\n([^]*?)```/.exec(readFileSync(join(DOCS, 'adding-a-sink.md'), 'utf8'))?.[1];
  expect(shown).toBe(readFileSync(join(DOCS, 'examples', 'sqlite-store.ts'), 'utf8'));
});

it.each(STORES)('%s is a name that has flags and an adapter, which is called so', async (name) => {
  expect(await findStoreAdapter(name)?.()).toMatchObject({ name });
});
