import type { Log } from '../../log/port.ts';
import type { TopicAdmin } from '../../log/topic-admin.ts';
import type { TopicStep } from './plan.ts';

/** Does what a plan says, step by step; told of each one that is done. */
export async function applyTopics(
  { log, admin }: { readonly log: Log; readonly admin: TopicAdmin },
  steps: readonly TopicStep[],
  onDone: (step: TopicStep) => void,
): Promise<void> {
  for (const step of steps) {
    switch (step.step) {
      case 'create':
        await log.ensureTopics([step.spec]);
        break;
      case 'alter':
        await admin.alter(step.topic, step.settings);
        break;
      case 'grow':
        await admin.grow(step.topic, step.to);
        break;
      case 'recreate':
        await admin.remove([step.topic]);
        await log.ensureTopics([step.spec]);
        break;
    }
    onDone(step);
  }
}
