import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { installStop } from '../../src/cli/stop.ts';

function setUp() {
  const signals = new EventEmitter();
  const said: string[] = [];
  const exits: string[] = [];
  const clock = { nowMs: 1000 };
  const stop = installStop({
    signals,
    say: (line) => said.push(line),
    endAtOnce: (signal) => exits.push(signal),
    nowMs: () => clock.nowMs,
  });
  return { signals, said, exits, clock, stop };
}

describe('installStop', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('aborts at the first %s and says so in one line', (name) => {
    const { signals, said, exits, stop } = setUp();
    expect(stop.signal.aborted).toBe(false);
    signals.emit(name);
    expect(stop.signal.aborted).toBe(true);
    expect(said).toHaveLength(1);
    expect(exits).toEqual([]);
  });

  it('ends of the second one', () => {
    const { signals, exits, clock } = setUp();
    signals.emit('SIGINT', 'SIGINT');
    clock.nowMs += 1000;
    signals.emit('SIGTERM', 'SIGTERM');
    expect(exits).toEqual(['SIGTERM']);
  });

  it('takes the copies that npm forwards for the same keypress', () => {
    const { signals, said, exits, clock } = setUp();
    signals.emit('SIGINT');
    clock.nowMs += 30;
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(exits).toEqual([]);
    expect(said).toHaveLength(1);
  });

  it('leaves nothing behind', () => {
    const { signals, stop } = setUp();
    stop.dispose();
    expect(signals.eventNames()).toEqual([]);
  });
});
