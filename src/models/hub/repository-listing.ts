import { z } from 'zod';
import type { HubReference } from '../catalog/model-spec.ts';
import { downloadFailed } from './hub-errors.ts';
import type { HubClient } from './hub-client.ts';

/** A file of a repository, as the hub lists it. */
export interface ListedFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of a large file, Git's SHA-1 of a small one; lower-case hex. It is the file's name in the cache. */
  readonly hash: string;
}

/** What a repository holds at a commit. */
export interface RepositoryListing {
  readonly commit: string;
  readonly files: readonly ListedFile[];
}

const hex = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

const answerSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().nonnegative().optional(),
      blobId: hex.optional(),
      lfs: z.object({ sha256: hex, size: z.int().nonnegative() }).nullish(),
    }),
  ),
});

export const listingSchema = z.object({
  commit: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.int().nonnegative(), hash: hex })),
});

/** Asks the hub what a repository holds at a commit, branch or tag. */
export async function listRepository(
  client: HubClient,
  reference: HubReference,
  signal?: AbortSignal,
): Promise<RepositoryListing> {
  const { repository, revision } = reference;
  const path = `/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const parsed = answerSchema.safeParse(await client.json(reference, path, signal));
  if (!parsed.success)
    throw downloadFailed(repository, `its list of files is not as expected: ${z.prettifyError(parsed.error)}`);
  const { sha, siblings } = parsed.data;
  const files = siblings.flatMap(({ rfilename, size, blobId, lfs }): ListedFile[] => {
    const bytes = lfs?.size ?? size;
    const hash = lfs?.sha256 ?? blobId;
    // A path becomes one on this machine.
    if (!isPlainPath(rfilename) || bytes === undefined || hash === undefined) return [];
    return [{ path: rfilename, bytes, hash }];
  });
  return { commit: sha, files };
}

function isPlainPath(path: string): boolean {
  return /^[^/\\:][^\\:]*$/.test(path) && !path.split('/').some((part) => part === '' || part === '.' || part === '..');
}
