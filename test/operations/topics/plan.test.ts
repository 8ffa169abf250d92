import { describe, expect, it } from 'vitest';
import type { TopicCondition } from '../../../src/log/topic-admin.ts';
import { planTopics, type TopicPlanInput } from '../../../src/operations/topics/plan.ts';

function condition(name: string, partitions: number, more: Partial<TopicCondition> = {}): TopicCondition {
  return { name, partitions, replicationFactor: 1, isWritten: true, settings: {}, differences: [], ...more };
}

const empty = { isWritten: false };

function plan(present: readonly TopicCondition[], more: Partial<TopicPlanInput> = {}): ReturnType<typeof planTopics> {
  return planTopics({ namespace: 'ns', present, wanted: [], defaultPartitions: 6, ...more });
}

describe('the number of partitions', () => {
  const wanted = [{ kind: 'records', name: 'ns.records' }] as const;

  it.each([
    ['nothing is there', [], {}, 6],
    ['nothing is there and somebody asks', [], { partitions: 12 }, 12],
    ['there are records', [condition('ns.records', 3), condition('ns.shards.x', 4, empty)], {}, 3],
    ['others have records', [condition('ns.records', 3, empty), condition('ns.dead-letters', 4)], {}, 4],
    ['nothing has', [condition('ns.records', 3, empty), condition('ns.shards.x', 4, empty)], {}, 3],
    ['nothing has and somebody asks', [condition('ns.records', 3, empty)], { partitions: 5 }, 5],
    ['only another is there, and empty', [condition('ns.embeddings.m', 2, empty)], {}, 2],
  ])('when %s', (_, present, more, partitions) => {
    expect(plan(present, { ...more, wanted })).toMatchObject({ partitions, problems: [] });
  });

  it('makes what is missing with it, and gives it to topics without records', () => {
    const present = [
      condition('ns.records', 4),
      condition('ns.dead-letters', 3, empty),
      condition('ns.ledger.m', 6, { ...empty, differences: [difference('cleanup.policy')] }),
    ];
    const missing = { kind: 'embeddings', name: 'ns.embeddings.m' } as const;
    expect(plan(present, { wanted: [...wanted, missing] })).toEqual({
      partitions: 4,
      problems: [],
      steps: [
        { step: 'grow', topic: 'ns.dead-letters', from: 3, to: 4 },
        {
          step: 'recreate',
          topic: 'ns.ledger.m',
          from: 6,
          spec: { name: 'ns.ledger.m', partitions: 4, cleanup: 'compact', compression: 'none' },
        },
        {
          step: 'create',
          topic: 'ns.embeddings.m',
          spec: { name: 'ns.embeddings.m', partitions: 4, cleanup: 'compact', compression: 'none' },
        },
      ],
    });
  });

  it('can not be mended in place where topics with records differ, or another one is asked for', () => {
    const differing = [condition('ns.records', 6), condition('ns.ledger.m', 3), condition('ns.shards.x', 2, empty)];
    const command = (partitions: number): object => ({
      problems: [{ mend: `embedstream topics repartition --namespace=ns --partitions=${partitions} --into=NAMESPACE` }],
      steps: [],
    });
    expect(plan(differing, { wanted: [{ kind: 'dead-letters', name: 'ns.dead-letters' }] })).toMatchObject(command(6));
    expect(plan(differing, { partitions: 9 })).toMatchObject(command(9));
    expect(plan([condition('ns.records', 6)], { partitions: 9 })).toMatchObject(command(9));
    expect(plan([condition('ns.records', 6)], { partitions: 6 })).toMatchObject({ problems: [], steps: [] });
  });
});

describe('settings', () => {
  it('are altered all at once, also where partitions can not be mended', () => {
    const differences = [difference('max.message.bytes'), difference('compression.type')];
    const present = [condition('ns.records', 6, { differences }), condition('ns.ledger.m', 3)];
    expect(plan(present).steps).toEqual([
      { step: 'alter', topic: 'ns.records', settings: { 'max.message.bytes': 'right', 'compression.type': 'right' } },
    ]);
  });

  it('that take other tools are said', () => {
    const copies = { ...difference('replication.factor'), canAlter: false };
    expect(plan([condition('ns.records', 6, { differences: [copies] })])).toMatchObject({
      steps: [],
      problems: [{ problem: 'ns.records: replication.factor is wrong, not right' }],
    });
  });
});

function difference(setting: string): TopicCondition['differences'][number] {
  return { setting, value: 'wrong', wanted: 'right', isHarmful: false, canAlter: true };
}
