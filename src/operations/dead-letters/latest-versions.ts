import type { LedgerParts } from '../../codec/port.ts';
import { failureOutcome } from '../../errors.ts';
import type { LogRecord } from '../../log/port.ts';
import { contentHashFor, sha256 } from '../../record/identity.ts';
import { findTopic, readPartitionOf } from '../topic-reading.ts';
import type { DeadLetterContext } from './context.ts';
import { keyText } from '../../record/key-text.ts';
import { attemptOf } from './letter.ts';

/** The record of an id as it is on the records topic now. */
export interface LiveVersion {
  readonly offset: number;
  readonly isDeleted: boolean;
  /** There when it is a retry. */
  readonly attempt?: number;
  /** Every content hash that a processor can have for it, hex. */
  readonly contentHashes: readonly string[];
}

export type LedgerView = Pick<LedgerParts, 'outcome' | 'offset'> & {
  /** Hex. */
  readonly contentHash: string;
};

/** Which keys of a partition are looked for, and from which offset on; `keyText` of each. */
export interface Wanted {
  readonly partition: number;
  readonly keys: ReadonlySet<string>;
  readonly from?: number;
}

/** The latest version of each wanted key in a partition; what is not on the topic is not in the answer. */
export async function latestVersions(
  context: DeadLetterContext,
  wanted: Wanted,
): Promise<{ readonly versions: ReadonlyMap<string, LiveVersion>; readonly endOffset: number }> {
  const versions = new Map<string, LiveVersion>();
  const endOffset = await eachLatest(context, context.topics.records, wanted, (key, record) => {
    versions.set(key, versionOf(context, record));
  });
  return { versions, endOffset };
}

/** The ledger entry of each wanted key; a deleted one is not in the answer. */
export async function ledgerEntries(
  context: DeadLetterContext,
  topic: string,
  wanted: Wanted,
): Promise<ReadonlyMap<string, LedgerView>> {
  const entries = new Map<string, LedgerView>();
  await eachLatest(context, topic, wanted, (key, { value }) => {
    if (value === null) {
      entries.delete(key);
      return;
    }
    const { outcome, offset, contentHash } = context.codec.viewLedgerEntry(value);
    entries.set(key, { outcome, offset, contentHash: Buffer.from(contentHash).toString('hex') });
  });
  return entries;
}

/** Calls `take` with every version of the wanted keys, in order; answers with the partition's end as it was. */
async function eachLatest(
  { log, signal }: DeadLetterContext,
  topic: string,
  { partition, keys, from = 0 }: Wanted,
  take: (key: string, record: LogRecord) => void,
): Promise<number> {
  const info = (await findTopic(log, topic))?.partitionInfo[partition];
  if (info === undefined) return 0;
  const range = { ...info, startOffset: Math.max(from, info.startOffset) };
  for await (const records of readPartitionOf(log, topic, range, signal))
    for (const record of records) {
      if (record.key === null) continue;
      const key = keyText(record.key);
      if (keys.has(key)) take(key, record);
    }
  return info.endOffset;
}

function versionOf({ codec }: DeadLetterContext, { offset, value, headers }: LogRecord): LiveVersion {
  const attempt = attemptOf(headers);
  return {
    offset,
    isDeleted: value === null,
    ...(attempt !== undefined && { attempt }),
    contentHashes: value === null ? [] : contentHashesOf(codec, value).map((hash) => hash.toString('hex')),
  };
}

/** For a model that reads the text, the image, or both; of a value that is no record, its own hash. */
function contentHashesOf(codec: DeadLetterContext['codec'], value: Uint8Array): Buffer[] {
  try {
    const hashes = codec.viewPartHashes(value);
    const kinds = [['text'], ['image'], ['text', 'image']] as const;
    return kinds
      .map((each) => contentHashFor(each, hashes))
      .filter((hash) => hash !== undefined)
      .map((hash) => Buffer.from(hash));
  } catch (error) {
    if (failureOutcome(error) !== 'dead-letter') throw error;
    return [sha256(value)];
  }
}
