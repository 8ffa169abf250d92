/**
 * The public API: models and file formats. Pipelines (produce, process, sink …) are the command line's.
 *
 * @packageDocumentation
 */
export { PipelineError, UsageError } from './errors.ts';
export { createEmbedder, type CreateEmbedderOptions } from './models/create-embedder.ts';
export { hubSettings, type HubSettings } from './models/hub/settings.ts';
export { embedStream, embedTexts, type Embedded, type EmbedStreamOptions } from './models/embed-stream.ts';
export type { Embedder, EmbedInput, EmbedOptions, EmbedResult, InputKind, ModelInfo } from './models/port.ts';
export {
  readJson,
  readJsonl,
  readNpySingle,
  readVectorStore,
  type FileEmbedding,
  type ReadEmbeddingsOptions,
} from './producers/embeddings/read-embeddings.ts';
export type { ContentHash, Metadata, MetadataValue, ModelFingerprint, RecordId } from './record/types.ts';
export type { EmbeddingRow } from './sinks/readers/embedding-rows.ts';
export { readNpy, readNpyMatrix, type NpyMatrix } from './sinks/readers/read-npy.ts';
export { readParquet } from './sinks/readers/read-parquet.ts';
export {
  writeNpy,
  writeParquet,
  type WritableRow,
  type WriteRowsOptions,
  type WrittenFile,
} from './sinks/write-rows.ts';
