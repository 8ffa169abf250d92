import { describe, it } from 'vitest';
import { pythonEnvironment } from './environment.ts';

/** False where this machine has none; `pythonEnvironment` has said so, or failed. */
export const hasPython = 'python' in (await pythonEnvironment());

/** `describe` and `it` for what is done or counted in Python. */
export const describeWithPython = describe.skipIf(!hasPython);
export const itWithPython = it.skipIf(!hasPython);
