import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithService, elasticsearchUrl } from '../../services/index.ts';
import { type Document, newAlias, PlainClient } from '../../sinks/stores/elasticsearch/server.ts';
import { HASHED, newPlace, numbers, type Place } from './runner.ts';

const ROWS = 120;

function writeSource(place: Place): void {
  place.write(
    'objects.csv',
    [
      'id,title,medium,year,price',
      ...numbers(0, ROWS).map((i) => `o${i},"Vase, number ${i}",${i % 2 === 0 ? 'Bronze' : 'Jade'},${1800 + i},${i}.5`),
    ].join('\n') + '\n',
  );
}

/** What differs between two machines: when the source was read. */
function comparable(documents: ReadonlyMap<string, Document>): Map<string, Record<string, unknown>> {
  const withoutTime = (document: Document): Record<string, unknown> =>
    Object.fromEntries(Object.entries(document).filter(([field]) => field !== 'createdAt'));
  return new Map(Array.from(documents, ([id, document]) => [id, withoutTime(document)]));
}

describeWithService('elasticsearch', 'moving to another Elasticsearch', () => {
  const aliases: string[] = [];
  let server: PlainClient;
  beforeAll(async () => {
    server = new PlainClient(await elasticsearchUrl());
  }, 240_000);
  afterAll(async () => {
    for (const alias of aliases) await server.removeAll(alias);
  });

  /** What is at the alias once all of the place's log is indexed. */
  async function indexed(place: Place): Promise<Map<string, Document>> {
    const alias = newAlias();
    aliases.push(alias);
    await place.done('index-with-embeddings', `--es-url=${server.url}`, `--es-index=${alias}`);
    return server.documents(alias);
  }

  it(
    'gives the same documents from the log, and from the tar of the batches with the source',
    { timeout: 120_000 },
    async () => {
      const here = newPlace();
      writeSource(here);
      await here.done('generate', '--source=objects.csv', '--batch-size=50', HASHED);
      const first = await indexed(here);
      expect(first.size).toBe(ROWS);
      const [document] = first.values();
      expect(Object.keys(document ?? {}).sort()).toEqual([
        'createdAt',
        'embedded',
        'embeddings',
        'metadata',
        'source',
        'text',
      ]);
      // From the log: every field, nothing is embedded again.
      expect(await indexed(here)).toEqual(first);

      // A document that somebody has deleted comes back whole.
      const alias = aliases.at(-1) ?? '';
      await server.ask('DELETE', `/${alias}/_doc/o7`);
      const repaired = await here.done('reconcile', '--repair');
      expect(repaired).toMatchObject({ differences: 0 });
      expect(await server.documents(alias)).toEqual(first);

      const tar = here.path('embeddings.tar.gz');
      execFileSync('tar', ['czf', tar, '-C', here.folder, 'data/embeddings']);
      const there = newPlace();
      mkdirSync(there.path('data'));
      execFileSync('tar', ['xzf', tar, '-C', there.folder]);
      writeSource(there);
      await there.done('produce', '--source=objects.csv');
      const brought = ['import', 'data/embeddings/hashed-384', HASHED, '--trust-model'];
      await there.done(...brought);
      expect((await there.done('process', HASHED)).processed).toMatchObject([{ embedded: 0, skipped: ROWS }]);
      expect(comparable(await indexed(there))).toEqual(comparable(first));

      // The tar itself, and no source: ids and vectors.
      const bare = newPlace();
      await bare.done('import', tar, HASHED);
      const vectors = (documents: ReadonlyMap<string, Document>): Map<string, unknown> =>
        new Map(
          Array.from(documents, ([id, { embeddings, embedded }]) => [
            id,
            [embeddings, embedded?.['hashed-384']?.createdAt],
          ]),
        );
      expect(vectors(await indexed(bare))).toEqual(vectors(first));
    },
  );
});
