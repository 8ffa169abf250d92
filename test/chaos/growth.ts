import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';

const POLL_MS = 5;

/** Resolves when a topic has just grown, whose readers are then at work; or after `withinMs`. */
export async function grown(admin: Admin, topic: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  const size = async (): Promise<number> =>
    (await admin.fetchTopicOffsets(topic)).reduce((sum, { offset }) => sum + Number(offset), 0);
  const before = await size();
  while ((await size()) === before && performance.now() < deadline) await delay(POLL_MS);
}
