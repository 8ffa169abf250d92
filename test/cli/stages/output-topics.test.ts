import { expect, it } from 'vitest';
import { shardsTopicOf } from '../../../src/cli/stages/output-topics.ts';
import { OUTPUTS } from '../../../src/cli/definitions/sink.ts';
import { topicNames } from '../../../src/log/topics.ts';
import { storeSinkNames } from '../../../src/sinks/stores/store-names.ts';

const topics = topicNames('ns');
const FLAGS = {
  ...{ out: 'data', dtype: 'fp32' as const, esUrl: 'http://localhost:9200', esIndex: 'objects', pgTable: 'mine' },
  ...{ postgresUrl: 'postgres://user@localhost/db', lancedbUri: '/srv/lance' },
};

it.each(OUTPUTS)('names the topic of %s, whatever sort of output it is', async (format) => {
  const topic = await shardsTopicOf({ topics }, FLAGS, { format, model: 'm' });
  expect(topic).toMatch(new RegExp(`^ns\\.shards\\.${format}-m(-[0-9a-f]{8})?$`));
  expect(await shardsTopicOf({ topics }, FLAGS, { format, model: 'm', sinkName: 'mine' })).toBe('ns.shards.mine');
});

it('tells places apart, as the outputs themselves do', async () => {
  const there = await shardsTopicOf({ topics }, { ...FLAGS, out: '/elsewhere' }, { format: 'json', model: 'm' });
  expect(there).toMatch(/^ns\.shards\.json-m-[0-9a-f]{8}$/);
  expect(await shardsTopicOf({ topics }, FLAGS, { format: 'elasticsearch', model: 'm' })).toBe(
    storeSinkNames({ adapter: 'elasticsearch', model: 'm', location: 'http://localhost:9200/objects' }, topics)
      .shardsTopic,
  );
});
