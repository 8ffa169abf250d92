import type { Log } from './port.ts';

/** A log in front of another one, to which it hands all that is not overridden. */
export class ForwardingLog implements Log {
  protected readonly inner: Log;

  constructor(inner: Log) {
    this.inner = inner;
  }

  ensureTopics(...args: Parameters<Log['ensureTopics']>): ReturnType<Log['ensureTopics']> {
    return this.inner.ensureTopics(...args);
  }

  topics(): ReturnType<Log['topics']> {
    return this.inner.topics();
  }

  groups(): ReturnType<Log['groups']> {
    return this.inner.groups();
  }

  run(...args: Parameters<Log['run']>): ReturnType<Log['run']> {
    return this.inner.run(...args);
  }

  producer(...args: Parameters<Log['producer']>): ReturnType<Log['producer']> {
    return this.inner.producer(...args);
  }

  read(...args: Parameters<Log['read']>): ReturnType<Log['read']> {
    return this.inner.read(...args);
  }

  offsetsAt(...args: Parameters<Log['offsetsAt']>): ReturnType<Log['offsetsAt']> {
    return this.inner.offsetsAt(...args);
  }

  resetGroup(...args: Parameters<Log['resetGroup']>): ReturnType<Log['resetGroup']> {
    return this.inner.resetGroup(...args);
  }

  compact(...args: Parameters<Log['compact']>): ReturnType<Log['compact']> {
    return this.inner.compact(...args);
  }

  close(): ReturnType<Log['close']> {
    return this.inner.close();
  }
}
