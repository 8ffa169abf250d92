import { fatalError } from '../../../errors.ts';
import type {
  BuildMode,
  EmbeddingChange,
  OpenStoreOptions,
  RecordChange,
  Store,
  StoredEmbedding,
  StoreFault,
  StorePartition,
  StorePartitionContext,
  StoreMatch,
  StoreQuery,
  StoreStats,
} from '../port.ts';
import { BulkSender } from './bulk-sender.ts';
import type { ChangeKind } from './changes.ts';
import { completeIndex } from './completion.ts';
import { contentsOf } from './contents.ts';
import type { Elastic } from './elastic.ts';
import { embeddingChanges } from './embedding-changes.ts';
import { modelField } from './fields.ts';
import { Indices, writeAlias } from './indices.ts';
import { elasticSimilarity } from './mapping.ts';
import { MetadataFields } from './metadata-fields.ts';
import type { ElasticOptions } from './options.ts';
import { ElasticPartition } from './partition.ts';
import { NO_GROUP, writeAll } from './write-all.ts';
import { recordChanges } from './record-changes.ts';
import { Rewriter } from './rewriter.ts';
import { searchIndex } from './search-index.ts';
import { Slots } from './slots.ts';
import {
  type IndexVersion,
  type ModelOfIndex,
  modelProblem,
  planVersion,
  servingOf,
  type VectorForm,
} from './versions.ts';

export interface ElasticStoreOptions extends Pick<
  OpenStoreOptions,
  'model' | 'dimension' | 'similarity' | 'onWarning' | 'together'
> {
  readonly elastic: Elastic;
  readonly alias: string;
  readonly hidesVectors: boolean;
  readonly options: ElasticOptions;
}

/** A quarter of the memory of plain HNSW, at nearly its recall. */
const DEFAULT_INDEX = 'int8_hnsw';

/** `<where>/<index>` of what this process has begun to build: models that are filled anew side by side share it. */
const ownBuilds = new Set<string>();

/** What is written to, once it is known. */
interface Target {
  readonly index: string;
  readonly asBase64: boolean;
  readonly metadata: MetadataFields;
}

/** Records and embeddings of one model as documents of an index behind an alias; see fields.ts for what they look like. */
export class ElasticStore implements Store {
  readonly inputs = ['records', 'embeddings'] as const;
  readonly #options: ElasticStoreOptions;
  readonly #indices: Indices;
  readonly #sender: BulkSender;
  readonly #rewriter: Rewriter;
  readonly #slots: Slots;
  readonly #written = { embeddings: 0, deletions: 0 };
  #target: Target | undefined;
  #isNew = false;

  constructor(options: ElasticStoreOptions) {
    const { elastic, alias, hidesVectors, model, dimension, similarity } = options;
    const { shards, replicas, indexOptions, maxInFlight } = options.options;
    this.#options = options;
    const mapping = {
      model,
      dimension,
      similarity: elasticSimilarity(similarity),
      indexOptions: indexOptions ?? DEFAULT_INDEX,
    };
    this.#indices = new Indices({ elastic, alias, shards, replicas, hidesVectors, model: mapping });
    this.#sender = new BulkSender(elastic);
    this.#rewriter = new Rewriter(elastic, this.#sender, { hidesVectors });
    this.#slots = new Slots(maxInFlight);
  }

  async prepare(mode: BuildMode): Promise<boolean> {
    const { alias, elastic, together = [] } = this.#options;
    const buildOf = (name: string): string => `${elastic.where}/${name}`;
    const place = {
      ...{ alias, where: elastic.where, field: this.#field, together: together.map(modelField) },
      isOwnBuild: (name: string) => ownBuilds.has(buildOf(name)),
    };
    for (;;) {
      const plan = planVersion(place, await this.#indices.list(), mode === 'rebuild');
      if (plan.kind === 'use') return this.#useVersion(plan.index, plan.isNew);
      for (const name of plan.unfinished) await this.#indices.remove(name);
      ownBuilds.add(buildOf(plan.name));
      const isMade = await this.#indices.create(plan.name);
      // Another process was faster: its index is found the next time.
      if (isMade) return this.#use(plan.name, { isNew: true, vectors: await this.#indices.probe(plan.name) });
    }
  }

  async #useVersion(index: IndexVersion, isNew: boolean): Promise<boolean> {
    const present = index.models.get(this.#field);
    if (present === undefined) await this.#indices.putModel(index.name, 'new');
    else this.#checkModel(index.name, present);
    const vectors = index.vectors ?? (index.isBuilding ? await this.#indices.probe(index.name) : undefined);
    return this.#use(index.name, { isNew: isNew || present?.state === 'new', vectors });
  }

  /** What the index was made for is not changed by a flag. */
  #checkModel(index: string, present: ModelOfIndex): void {
    const { model, dimension, similarity, options, onWarning } = this.#options;
    const problem = modelProblem({ model, dimension, similarity: elasticSimilarity(similarity) }, present);
    if (problem !== undefined)
      throw fatalError('ELASTIC_MAPPING', `The index ${index} ${problem}. Fill a new index with --force.`);
    if (options.indexOptions !== undefined && options.indexOptions !== present.indexOptions)
      onWarning(
        `The vectors of ${index} are indexed as ${present.indexOptions}: --es-index-options=${options.indexOptions} is for ` +
          'a new index, which --force fills.',
      );
  }

  async openEmbeddings(context: StorePartitionContext): Promise<StorePartition<EmbeddingChange>> {
    return this.#openPartition(context, await this.#filling(), this.#embeddingChanges());
  }

  async openRecords(context: StorePartitionContext): Promise<StorePartition<RecordChange>> {
    return this.#openPartition(context, await this.#filling(), recordChanges);
  }

  async complete(): Promise<void> {
    const { alias, elastic, options, onWarning } = this.#options;
    const { index } = this.#targetInUse();
    await completeIndex({ elastic, indices: this.#indices, alias, field: this.#field, index, options, onWarning });
  }

  async *contents(signal?: AbortSignal): AsyncGenerator<readonly StoredEmbedding[]> {
    const serving = await this.#serving();
    if (serving === undefined) return;
    await this.#indices.refresh(serving.name);
    yield* contentsOf(this.#options.elastic, { index: serving.name, field: this.#field, signal });
  }

  repair(changes: readonly EmbeddingChange[]): Promise<readonly StoreFault[]> {
    return this.#repair(changes, this.#embeddingChanges());
  }

  repairRecords(changes: readonly RecordChange[]): Promise<readonly StoreFault[]> {
    return this.#repair(changes, recordChanges);
  }

  async search(query: StoreQuery): Promise<readonly StoreMatch[] | undefined> {
    const serving = await this.#serving();
    const present = serving?.models.get(this.#field);
    if (serving === undefined || present === undefined) return undefined;
    this.#checkModel(serving.name, present);
    const { elastic, alias, hidesVectors, similarity, dimension } = this.#options;
    return searchIndex(elastic, { alias, field: this.#field, hidesVectors, similarity, dimension }, query);
  }

  stats(): StoreStats {
    return { ...this.#written, bytes: this.#sender.bytes };
  }

  close(): Promise<void> {
    return this.#options.elastic.close();
  }

  async #repair<Change extends EmbeddingChange | RecordChange>(
    changes: readonly Change[],
    kind: ChangeKind<Change>,
  ): Promise<readonly StoreFault[]> {
    const { alias, elastic } = this.#options;
    const serving = await this.#serving();
    const message = `No index has the alias "${alias}" at ${elastic.where}: run sink elasticsearch first.`;
    if (serving === undefined) throw fatalError('ELASTIC_NO_INDEX', message);
    const target = await this.#targetOf(serving.name, serving.vectors);
    const faults = await writeAll(this.#openPartition(NO_GROUP, target, kind), changes);
    await this.#indices.refresh(serving.name);
    return faults;
  }

  get #field(): string {
    return modelField(this.#options.model);
  }

  async #use(index: string, { isNew, vectors }: { isNew: boolean; vectors: VectorForm | undefined }): Promise<boolean> {
    this.#target = await this.#targetOf(index, vectors);
    this.#isNew = isNew;
    return isNew;
  }

  async #targetOf(index: string, vectors: VectorForm | undefined): Promise<Target> {
    const { elastic, options, onWarning } = this.#options;
    const metadata = await MetadataFields.open({ elastic, index, named: options.metadataTypes, onWarning });
    return { index, asBase64: vectors === 'base64', metadata };
  }

  #targetInUse(): Target {
    if (this.#target === undefined) throw new Error('The store is not prepared');
    return this.#target;
  }

  /** From here on it is not as empty as `prepare` said. */
  async #filling(): Promise<Target> {
    const target = this.#targetInUse();
    if (this.#isNew) {
      this.#isNew = false;
      await this.#indices.putModel(target.index, 'filling');
    }
    return target;
  }

  async #serving(): Promise<IndexVersion | undefined> {
    const { alias, elastic } = this.#options;
    return servingOf(alias, elastic.where, await this.#indices.list());
  }

  #embeddingChanges(): ChangeKind<EmbeddingChange> {
    return embeddingChanges(this.#field, (vector) => `[${vector.join()}]`);
  }

  #openPartition<Change extends EmbeddingChange | RecordChange>(
    context: StorePartitionContext,
    { index, asBase64, metadata }: Target,
    kind: ChangeKind<Change>,
  ): ElasticPartition<Change> {
    const { maxBodyBytes: maxBytes, maxBodyDocuments: maxDocuments } = this.#options.options;
    return new ElasticPartition({
      ...{ kind, context, metadata, maxBytes, maxDocuments, asBase64, alias: writeAlias(index) },
      ...{ dimension: this.#options.dimension, sender: this.#sender, rewriter: this.#rewriter, slots: this.#slots },
      onWritten: (change) => {
        // Records are not what a report counts.
        if ('record' in change) return;
        if (kind.isDeletion(change)) this.#written.deletions++;
        else this.#written.embeddings++;
      },
    });
  }
}
