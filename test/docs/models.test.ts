import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { catalogEntries } from '../../src/models/catalog/entries.ts';
import type { CatalogEntry } from '../../src/models/catalog/entry.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'models.md');

function runBy({ weights }: CatalogEntry): string {
  if (weights.runtime === 'hub') return `[${weights.repository}](https://huggingface.co/${weights.repository})`;
  return weights.runtime === 'hosted' ? `API of ${weights.provider}` : 'part of the package';
}

function shorter({ dimension, matryoshka }: CatalogEntry): string {
  if (matryoshka === undefined) return '';
  const listed = [matryoshka.full, ...matryoshka.shorter].filter((each) => each !== dimension).join(', ');
  return matryoshka.least === undefined ? listed : `${listed}; any from ${matryoshka.least}`;
}

/** The table of docs/models.md, its columns as wide as they need to be. */
function table(): string {
  const rows = [
    ['model', 'reads', 'dimension', 'shorter', 'tokens', 'pooling', 'licence', 'run by'],
    ...catalogEntries.map((entry) => [
      `\`${entry.name}\``,
      entry.kinds.join(', '),
      String(entry.dimension),
      shorter(entry),
      entry.maxTokens > 1e9 ? 'any' : String(entry.maxTokens),
      entry.pooling === 'graph' ? '' : entry.pooling,
      entry.licence,
      runBy(entry),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  return [lines[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.slice(1)].join('\n');
}

// After a change of the catalogue: UPDATE_DOCS=1 npx vitest run test/docs/models.test.ts
it('docs/models.md lists the catalogue', () => {
  const page = readFileSync(PAGE, 'utf8');
  const wanted = page.replace(
    /<!-- models -->[^]*<!-- \/models -->/,
    `<!-- models -->\n\n${table()}\n\n<!-- /models -->`,
  );
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, wanted);
  else expect(page).toBe(wanted);
});
