import type { Embedding, Metadata, RecordId, SourceRecord } from '../../../../src/record/types.ts';
import { ZERO_FINGERPRINT, type ContentHash } from '../../../../src/record/types.ts';
import { elasticsearch } from '../../../../src/sinks/stores/elasticsearch/adapter.ts';
import type {
  BuildMode,
  EmbeddingChange,
  OpenStoreOptions,
  RecordChange,
  Store,
  StoredEmbedding,
  StoreFault,
  StorePartition,
} from '../../../../src/sinks/stores/port.ts';

export const DIMENSION = 8;
export const MODEL = 'model-a';

export interface OpenedStore {
  readonly store: Store;
  readonly warnings: string[];
}

export async function openStore(
  url: string,
  alias: string,
  { model = MODEL, dimension = DIMENSION, environment = {}, signal, ...options }: OpenOptions = {},
): Promise<OpenedStore> {
  const warnings: string[] = [];
  const flags = { esUrl: url, esIndex: alias, ...options };
  const store = await elasticsearch.open({
    ...{ location: elasticsearch.locate(flags, {}, model), options: flags, model, dimension, environment, signal },
    ...{ similarity: 'cosine', sinkName: 'test', clock: Date.now, onWarning: (message) => warnings.push(message) },
  });
  return { store, warnings };
}

export type OpenOptions = Partial<Pick<OpenStoreOptions, 'model' | 'dimension' | 'environment' | 'signal'>> &
  Readonly<Record<string, unknown>>;

export const PLACE = {
  partition: 0,
  signal: new AbortController().signal,
  assertOwner: (): Promise<void> => Promise.resolve(),
};

/** Records and embeddings of a log, by the number of a change in each. */
export interface Streams {
  readonly records?: readonly RecordChange[];
  readonly embeddings?: readonly EmbeddingChange[];
}

/** Prepares a store, writes everything and completes it, as a whole run does. Answers with what was refused. */
export async function fill(store: Store, streams: Streams, mode: BuildMode = 'keep'): Promise<StoreFault[]> {
  await store.prepare(mode);
  const faults = await write(store, streams);
  await store.complete();
  return faults;
}

/** Writes to a store that is prepared. */
export async function write(store: Store, { records = [], embeddings = [] }: Streams): Promise<StoreFault[]> {
  const ofRecords = await openRecords(store);
  const ofEmbeddings = await store.openEmbeddings(PLACE);
  try {
    await ofRecords.write(records);
    await ofRecords.flush();
    await ofEmbeddings.write(embeddings);
    await ofEmbeddings.flush();
    return [...ofRecords.progress().faults, ...ofEmbeddings.progress().faults];
  } finally {
    await ofRecords.close();
    await ofEmbeddings.close();
  }
}

export async function openRecords(store: Store): Promise<StorePartition<RecordChange>> {
  if (store.openRecords === undefined) throw new Error('It takes no records');
  return store.openRecords(PLACE);
}

type RecordParts = Partial<Omit<SourceRecord, 'metadata' | 'text'>> & {
  readonly metadata?: Parameters<typeof metadataOf>[0];
  /** undefined: none. */
  readonly text?: string | undefined;
};

export function record(offset: number, id: string, { metadata, ...parts }: RecordParts = {}): RecordChange {
  const { text, ...others } = { text: `text of ${id}`, ...parts };
  const rest = {
    source: 'catalogue',
    createdAt: 1_700_000_000_000 + offset,
    metadata: metadataOf(metadata),
    ...others,
  };
  return { offset, id, record: { id: id as RecordId, ...rest, ...(text !== undefined && { text }) } };
}

export function noRecord(offset: number, id: string): RecordChange {
  return { offset, id, record: null };
}

type EmbeddingParts = Partial<Omit<Embedding, 'metadata'>> & { readonly metadata?: Parameters<typeof metadataOf>[0] };

export function embedding(offset: number, id: string, { metadata, ...parts }: EmbeddingParts = {}): EmbeddingChange {
  const vector = parts.vector ?? vectorOf(offset);
  const rest = { model: MODEL, fingerprint: ZERO_FINGERPRINT, contentHash: '0'.repeat(64) as ContentHash };
  const counts = { dimension: vector.length, tokenCount: 3, truncated: false, createdAt: 1_800_000_000_000 + offset };
  const value = { recordId: id as RecordId, ...rest, ...counts, metadata: metadataOf(metadata), ...parts, vector };
  return { offset, id, embedding: value };
}

export function noEmbedding(offset: number, id: string): EmbeddingChange {
  return { offset, id, embedding: null };
}

export async function contentsOf(store: Store): Promise<StoredEmbedding[]> {
  const all: StoredEmbedding[] = [];
  for await (const batch of store.contents()) all.push(...batch);
  return all;
}

/** Of length 1, and another for each seed. */
export function vectorOf(seed: number, dimension = DIMENSION): Float32Array {
  const vector = Float32Array.from({ length: dimension }, (_, i) => Math.sin(seed * 7.3 + i * 1.7 + 0.1));
  const length = Math.hypot(...vector);
  return vector.map((n) => n / length);
}

function metadataOf(values: Readonly<Record<string, null | boolean | number | bigint | string>> = {}): Metadata {
  return new Map(Object.entries(values));
}
