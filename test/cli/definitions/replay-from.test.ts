import { expect, it } from 'vitest';
import { parseReplayFrom } from '../../../src/cli/definitions/replay-from.ts';

it.each([
  ['earliest', { kind: 'earliest' }],
  ['0', { kind: 'offset', offset: 0 }],
  ['1500', { kind: 'offset', offset: 1500 }],
  ['0:1500', { kind: 'offsets', offsets: new Map([[0, 1500]]) }],
  [
    '0:1500,12:900',
    {
      kind: 'offsets',
      offsets: new Map([
        [0, 1500],
        [12, 900],
      ]),
    },
  ],
  ['@1700000000123', { kind: 'time', timestampMs: 1_700_000_000_123 }],
  ['2026-11-21', { kind: 'time', timestampMs: Date.UTC(2026, 10, 21) }],
  ['2026-11-21T08:30:00Z', { kind: 'time', timestampMs: Date.UTC(2026, 10, 21, 8, 30) }],
  ['2026-11-21T08:30:00.5+02:00', { kind: 'time', timestampMs: Date.UTC(2026, 10, 21, 6, 30, 0, 500) }],
])('reads %s', (text, from) => {
  expect(parseReplayFrom(text)).toEqual(from);
});

it.each([
  ...['', 'latest', '-1', '1.5', '1,2', '0:1,0:2', '0:', ':5', '@', '@soon', '99999999999999999999', '2026-13-01'],
  // Without a zone a time means something else on every machine.
  ...['2026-11-21T08:30:00', 'yesterday', '2026'.padStart(30, '9')],
])('refuses %j', (text) => {
  expect(parseReplayFrom(text)).toBeUndefined();
});
