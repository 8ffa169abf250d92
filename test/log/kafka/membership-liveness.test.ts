import { describe, expect, it } from 'vitest';
import { ProtocolError } from './fake-coordinator.ts';
import { HEARTBEAT_MS, SESSION_MS, TestGroup } from './group-fixture.ts';
import { settled } from './manual-clock.ts';

describe('GroupMembership', () => {
  describe('isCurrent', () => {
    it('is false before the first assignment and a session after the last answer', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      expect(a.membership.isCurrent()).toBe(false);
      await group.settle();
      expect(a.membership.isCurrent()).toBe(true);
      a.freeze();
      await group.clock.advance(SESSION_MS - HEARTBEAT_MS - 1);
      expect(a.membership.isCurrent()).toBe(true);
      await group.clock.advance(HEARTBEAT_MS + 1);
      expect(a.membership.isCurrent()).toBe(false);
    });

    it('counts from an answer that a rebalance is due, too', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      await group.settle();
      group.coordinator.heartbeat = () => Promise.reject(new ProtocolError('REBALANCE_IN_PROGRESS'));
      group.coordinator.joinGroup = () => new Promise(() => undefined);
      await group.clock.advance(HEARTBEAT_MS + SESSION_MS - 1);
      expect(a.requests.slice(-2)).toEqual(['heartbeat', 'join']);
      expect(a.membership.isCurrent()).toBe(true);
      await group.clock.advance(1);
      expect(a.membership.isCurrent()).toBe(false);
    });

    it('counts from when a request was sent, not from when its answer came', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      await group.settle();
      const answer = group.coordinator.heartbeat.bind(group.coordinator);
      group.coordinator.heartbeat = async (request) => {
        await answer(request);
        await new Promise<void>((resolve) => group.clock.after(SESSION_MS - 1, resolve));
      };
      await group.clock.advance(HEARTBEAT_MS + SESSION_MS - 1);
      expect(a.membership.isCurrent()).toBe(true);
      await group.clock.advance(1);
      expect(a.membership.isCurrent()).toBe(false);
      expect(a.assignments.some(({ lost }) => lost)).toBe(false);
    });
  });

  describe('check', () => {
    it('asks at once, and once for each call that came after the last request', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      await group.settle();
      const before = a.requests.length;
      await Promise.all([a.membership.check(), a.membership.check()]);
      expect(a.requests.slice(before)).toEqual(['heartbeat']);
    });

    it('tells that all is lost before it resolves', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      await group.settle();
      await group.coordinator.leaveGroup({ memberId: a.memberId });
      await a.membership.check();
      expect(a.assignments.at(-1)?.lost).toBe(true);
    });

    it('waits for the rebalance that it finds, but no longer than five seconds', async () => {
      const group = new TestGroup(2);
      const a = group.join();
      await group.settle();
      const other = group.join();
      let isSettled = false;
      void a.membership.check().then(() => (isSettled = true));
      await settled();
      expect(isSettled).toBe(true);
      expect(a.assignments.at(-1)?.generation).toBeGreaterThan(1);
      await group.settle();
      // A rebalance that waits for a member that is frozen.
      other.freeze();
      group.join();
      isSettled = false;
      void a.membership.check().then(() => (isSettled = true));
      await group.clock.advance(4_999);
      expect(isSettled).toBe(false);
      await group.clock.advance(1);
      expect(isSettled).toBe(true);
    });
  });

  describe('stop', () => {
    it('calls nothing back afterwards, also where a rebalance is under way', async () => {
      const group = new TestGroup(2);
      const a = group.join();
      await group.settle();
      const b = group.join();
      const stopping = b.membership.stop();
      // It is let in, and leaves, when the other one has joined again.
      await group.clock.advance(HEARTBEAT_MS);
      expect(b.requests).toEqual(['join', 'leave']);
      await stopping;
      await group.settle();
      expect(b.assignments).toEqual([]);
      expect(group.coordinator.members.size).toBe(1);
      expect(a.held).toEqual([0, 1]);
      await b.membership.check();
      expect(b.errors).toEqual([]);
    });

    it('takes no more than two seconds where the coordinator does not answer', async () => {
      const group = new TestGroup(1);
      const a = group.join();
      await group.settle();
      a.freeze();
      let isStopped = false;
      void a.membership.stop().then(() => (isStopped = true));
      await group.clock.advance(1_999);
      expect(isStopped).toBe(false);
      await group.clock.advance(1);
      expect(isStopped).toBe(true);
    });
  });

  describe('an error that ends membership', () => {
    it.each([
      ['GROUP_AUTHORIZATION_FAILED', 'LOG_NOT_AUTHORIZED'],
      ['INCONSISTENT_GROUP_PROTOCOL', 'LOG_REFUSED'],
      ['INVALID_SESSION_TIMEOUT', 'LOG_REFUSED'],
      ['GROUP_MAX_SIZE_REACHED', 'LOG_REFUSED'],
    ])('is told once: %s', async (type, code) => {
      const group = new TestGroup(1);
      group.coordinator.joinGroup = () => Promise.reject(new ProtocolError(type));
      const a = group.join();
      await group.settle();
      expect(a.errors).toMatchObject([{ code, retriable: code === 'LOG_NOT_AUTHORIZED' }]);
      expect(a.errors[0]?.message).toMatch(/^Consumer group "test": /);
      expect(a.requests).toEqual(['join']);
      expect(a.assignments).toEqual([]);
    });

    it('comes where the leader reads other topics, and the others go on', async () => {
      const group = new TestGroup(2);
      const a = group.join();
      await group.settle();
      const b = group.join({ topics: ['images'] });
      await group.settle();
      expect(b.errors).toMatchObject([{ code: 'LOG_GROUP_REFUSED' }]);
      expect(b.errors[0]?.message).toContain('reads records; this one reads images');
      await b.membership.stop();
      await group.settle();
      expect(a.held).toEqual([0, 1]);
    });
  });
});
