import { PipelineError } from '../../errors.ts';
import type { CatalogEntry } from '../catalog/entry.ts';
import { listFiles } from '../catalog/folder-files.ts';
import { readModelFolder } from '../catalog/model-folder.ts';
import type { HubReference, ModelSettings } from '../catalog/model-spec.ts';
import { moduleFiles } from '../catalog/sentence-files.ts';
import { downloadFile } from './download-file.ts';
import { withDownloadLock } from './download-lock.ts';
import { HubClient, type HubClientOptions } from './hub-client.ts';
import { notInCache } from './hub-errors.ts';
import { isCommit, RepositoryCache } from './repository-cache.ts';
import { listRepository, type ListedFile, type RepositoryListing } from './repository-listing.ts';
import type { HubSettings } from './settings.ts';

/** What is told while files come. */
export interface DownloadReporter {
  /** Before the first byte: what is to come, in all. */
  onStart?(files: number, bytes: number): void;
  onBytes?(done: number): void;
  onEnd?(): void;
  /** A line for the user: another process downloads, or the hub can't be reached. */
  say?(line: string): void;
}

export interface ObtainOptions {
  readonly hub: HubSettings;
  /** The name that the model goes by. */
  readonly name: string;
  readonly settings: Pick<ModelSettings, 'model-dtype' | 'pooling'>;
  /**
   * `weights`: all that it takes to run the model is downloaded; `facts`: only the small files that describe it;
   * `nothing`: what is in the cache has to do.
   */
  readonly download: 'weights' | 'facts' | 'nothing';
  readonly reporter?: DownloadReporter;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly client?: HubClientOptions;
}

export interface ObtainedModel {
  /** The snapshot in the cache: a model folder. */
  readonly folder: string;
  readonly commit: string;
  readonly entry: CatalogEntry;
  /** Whether the files that the entry names are all there. */
  readonly isComplete: boolean;
}

/** Of a repository, what says how its model is run; they are small. */
const DESCRIBING = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'preprocessor_config.json',
  '1_Pooling/config.json',
];

/**
 * Brings a model of the Hugging Face hub into the cache, and reads what it is. Nothing is asked of the network for a
 * commit whose files are there; a branch or tag is asked for the commit that it is at.
 *
 * @returns undefined where nothing may be downloaded and the cache lacks it
 * @throws UsageError for a repository, revision or dtype that there is not.
 * @throws PipelineError MODEL_DOWNLOAD_FAILED, HUB_ACCESS_DENIED, HUB_REFUSED, CACHE_NOT_WRITABLE.
 */
export async function obtainModel(reference: HubReference, options: ObtainOptions): Promise<ObtainedModel | undefined> {
  const client = new HubClient(options.hub, options.client);
  try {
    return await new Obtaining(reference, options, client).run();
  } finally {
    await client.close();
  }
}

class Obtaining {
  readonly #reference: HubReference;
  readonly #options: ObtainOptions;
  readonly #client: HubClient;
  readonly #cache: RepositoryCache;
  readonly #mayAsk: boolean;

  constructor(reference: HubReference, options: ObtainOptions, client: HubClient) {
    this.#reference = reference;
    this.#options = options;
    this.#client = client;
    this.#cache = new RepositoryCache(options.hub.cacheFolder, reference.repository);
    this.#mayAsk = options.download !== 'nothing' && !options.hub.offline;
  }

  async run(): Promise<ObtainedModel | undefined> {
    const { download, hub } = this.#options;
    const listing = await this.#list();
    if (listing === undefined) {
      if (download === 'nothing') return undefined;
      throw notInCache(this.#what(), hub.cacheFolder);
    }
    const folder = this.#cache.snapshotFolder(listing.commit);
    const paths = listing.files.map(({ path }) => path);
    if (
      !(await this.#require(
        listing,
        DESCRIBING.filter((path) => paths.includes(path)),
      ))
    )
      return undefined;
    const modules = (await moduleFiles(folder)).filter((path) => paths.includes(path));
    if (!(await this.#require(listing, modules))) return undefined;
    const { name, settings } = this.#options;
    const entry = await readModelFolder(folder, { name, settings, files: paths });
    const needed = filesOf(entry);
    const isComplete =
      download === 'facts'
        ? (await this.#cache.missing(listing.commit, needed)).length === 0
        : await this.#require(listing, needed);
    return { folder, commit: listing.commit, entry, isComplete };
  }

  /** What the repository holds: as the hub says, or as far as the cache knows. */
  async #list(): Promise<RepositoryListing | undefined> {
    const { repository, revision } = this.#reference;
    const known = await this.#cache.commitOf(revision);
    const cached = known === undefined ? undefined : await this.#fromCache(known);
    if (!this.#mayAsk || (isCommit(revision) && cached?.isWhole === true)) return cached?.listing;
    try {
      return await listRepository(this.#client, this.#reference, this.#options.signal);
    } catch (error) {
      // A branch that can't be asked for is taken to be where it was.
      const isUnreached = error instanceof PipelineError && error.retriable;
      if (!isUnreached || cached === undefined) throw error;
      this.#options.reporter?.say?.(`The hub can't be reached: ${repository} is taken from the cache.`);
      return cached.listing;
    }
  }

  /** `isWhole`: as the hub listed it; otherwise what happens to be there, downloaded by another program. */
  async #fromCache(
    commit: string,
  ): Promise<{ readonly listing: RepositoryListing; readonly isWhole: boolean } | undefined> {
    const recorded = await this.#cache.listing(commit);
    if (recorded !== undefined) return { listing: recorded, isWhole: true };
    if ((await this.#cache.missing(commit, ['config.json'])).length > 0) return undefined;
    const files = await listFiles(this.#cache.snapshotFolder(commit));
    return { listing: { commit, files: files.map((path) => ({ path, bytes: 0, hash: '' })) }, isWhole: false };
  }

  /** @returns false where a file is missing and nothing may be downloaded */
  async #require(listing: RepositoryListing, paths: readonly string[]): Promise<boolean> {
    const missing = await this.#cache.missing(listing.commit, paths);
    if (missing.length === 0) return true;
    if (this.#options.download === 'nothing') return false;
    if (!this.#mayAsk) throw notInCache(`${missing.join(', ')} of ${this.#what()}`, this.#options.hub.cacheFolder);
    const { reporter, signal } = this.#options;
    const onWait = (): void => {
      reporter?.say?.(`Another process downloads ${this.#reference.repository}: waiting for it.`);
    };
    await withDownloadLock(this.#cache.lockPath, { signal, onWait }, () => this.#download(listing, paths));
    return true;
  }

  async #download(listing: RepositoryListing, paths: readonly string[]): Promise<void> {
    const { reporter, signal } = this.#options;
    const { commit } = listing;
    // Another process may have been at it while this one waited.
    const missing = await this.#cache.missing(commit, paths);
    const files = listing.files.filter(({ path }) => missing.includes(path));
    reporter?.onStart?.(
      files.length,
      files.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    let before = 0;
    for (const file of files) {
      await this.#fetch(commit, file, (bytes) => reporter?.onBytes?.(before + bytes), signal);
      before += file.bytes;
      reporter?.onBytes?.(before);
    }
    await this.#cache.recordListing(listing);
    await this.#cache.recordCommit(this.#reference.revision, commit);
    reporter?.onEnd?.();
  }

  async #fetch(
    commit: string,
    file: ListedFile,
    onBytes: (bytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { repository } = this.#reference;
    if (!(await this.#cache.hasBlob(file.hash, file.bytes))) {
      // By the commit: a branch may move between two files.
      const reference = { repository, revision: commit };
      await downloadFile(this.#client, reference, file, this.#cache.blobPath(file.hash), { signal, onBytes });
    }
    await this.#cache.link(commit, file.path, file.hash);
  }

  #what(): string {
    const { repository, revision } = this.#reference;
    return `${repository} at ${revision}`;
  }
}

/** What it takes to run a model, beside the files that describe it. */
function filesOf({ weights }: CatalogEntry): readonly string[] {
  if (weights.runtime === 'onnx') return weights.weightFiles;
  if (weights.runtime !== 'onnx-vision') return [];
  return [...new Set([...weights.weightFiles, ...(weights.textTower?.weights.weightFiles ?? [])])];
}
