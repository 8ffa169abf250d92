/**
 * `node --import …/with-example.ts src/cli/main.ts sink sqlite …`: the real commands, with the store of
 * docs/examples/sqlite-store.ts beside those that there are.
 */
import { registerHooks } from 'node:module';

const SRC = new URL('../../../src/', import.meta.url);
const REPLACED = new Map([
  [new URL('sinks/stores/adapters.ts', SRC).href, new URL('example-adapters.ts', import.meta.url).href],
  [new URL('cli/definitions/stores/index.ts', SRC).href, new URL('example-definitions.ts', import.meta.url).href],
]);

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context);
    const isOurs = [...REPLACED.values()].includes(context.parentURL ?? '');
    const url = isOurs ? undefined : REPLACED.get(resolved.url);
    return url === undefined ? resolved : { ...resolved, url };
  },
});
