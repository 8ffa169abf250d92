import { expect, it } from 'vitest';
import { presentArguments } from '../../src/cli/old-flags.ts';

const OLD = { renamed: { client: 'model', models: 'model' }, lists: ['model'] };

it.each([
  ['--input_file x --max_workers 4', '--input-file x --max-workers 4'],
  ['--models a b c --device cpu', '--model=a,b,c --device cpu'],
  ['--models a, b -q', '--model=a,b -q'],
  ['--models=a,b c', '--model=a,b c'],
  ['--client jina_clip_v2', '--model=jina_clip_v2'],
  ['--batch_size=32 --resume', '--batch-size=32 --resume'],
  ['--text=a_b --nothing_known', '--text=a_b --nothing-known'],
  ['--models', '--model'],
  ['-- --models a b', '-- --models a b'],
])('%s is %s', (old, present) => {
  expect(presentArguments(old.split(' '), OLD)).toEqual(present.split(' '));
});
