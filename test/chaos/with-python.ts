import { describe } from 'vitest';
import { pythonEnvironment } from '../python/environment.ts';

const environment = await pythonEnvironment();

/** `describe` for what is counted in Python; where this machine has none, `pythonEnvironment` has said so, or failed. */
export function describeWithPython(title: string, body: () => void): void {
  if ('python' in environment) describe(title, body);
  else describe.skip(title, body);
}
