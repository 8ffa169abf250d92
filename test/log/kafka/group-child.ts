/**
 * A member of a group in a process of its own: `node group-child.ts JSON`. It writes a line for whatever happens, and
 * freezes itself, as SIGSTOP does, where it is told to.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { messageOf, PipelineError } from '../../../src/errors.ts';
import { LineChild } from '../../contracts/log/child-process.ts';
import { numbered } from '../../contracts/log/tasks.ts';
import { copyTask, openHandle, type GroupPlace, type HandleOptions, type MemberScript } from './group-member.ts';

interface ChildScript {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly maxBatchRecords?: number;
  readonly handle?: HandleOptions;
  /**
   * Once, in the middle of the first `process`; or when all of the first transaction is written, right before it is
   * ended.
   */
  readonly freezeIn?: 'process' | 'commit';
  /** Appends instead of running a group. */
  readonly publish?: { readonly id: string; readonly count: number };
}

/** Of the requests that end a transaction: https://kafka.apache.org/protocol#protocol_api_keys */
const END_TXN = 26;
const API_KEY_AT = 4;

export class ChildMember extends LineChild {
  readonly held = new Set<number>();

  constructor({ brokers, prefix }: GroupPlace, script: ChildScript) {
    super(new URL(import.meta.url), JSON.stringify({ brokers, prefix, script }));
  }

  /** Lets it go on after it froze. */
  thaw(): void {
    this.signal('SIGCONT');
  }

  async frozen(): Promise<void> {
    await this.until((lines) => lines.includes('frozen'));
  }

  count(event: string): number {
    return this.lines.filter((line) => line === event).length;
  }
}

function note(line: string): void {
  // At once: a process that freezes writes nothing any more.
  writeSync(1, `${line}\n`);
}

let isFrozen = false;

function freeze(): void {
  if (isFrozen) return;
  isFrozen = true;
  note('frozen');
  process.kill(process.pid, 'SIGSTOP');
  note('thawed');
}

function freezeBeforeEndTxn(): void {
  const write = Reflect.get(Socket.prototype, 'write') as (this: Socket, ...args: unknown[]) => boolean;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
    const [data] = args;
    if (Buffer.isBuffer(data) && data.length > API_KEY_AT + 2 && data.readInt16BE(API_KEY_AT) === END_TXN) freeze();
    return write.apply(this, args);
  };
}

function codeOf(error: unknown): string {
  return error instanceof PipelineError ? error.code : String(error);
}

async function main(argument: string): Promise<void> {
  const { brokers, prefix, script } = JSON.parse(argument) as {
    brokers: string[];
    prefix: string;
    script: ChildScript;
  };
  const log = await openHandle(brokers, prefix, script.handle);
  if (script.freezeIn === 'commit') freezeBeforeEndTxn();
  try {
    if (script.publish === undefined) {
      const during: MemberScript['during'] = async (_, { assertOwner }) => {
        if (script.freezeIn !== 'process' || isFrozen) return;
        freeze();
        note(await assertOwner().then(() => 'owner', codeOf));
      };
      const task = copyTask({ ...script, during }, { held: new Set(), processed: [], note });
      await log.run(task, { maxBatchRecords: script.maxBatchRecords ?? 100 });
    } else {
      const producer = await log.producer(script.publish.id);
      await producer.append(numbered(script.to, 0, script.publish.count));
    }
    note('done');
  } catch (error) {
    note(messageOf(error));
    note(`failed ${codeOf(error)}`);
  }
  await log.close();
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? '');
