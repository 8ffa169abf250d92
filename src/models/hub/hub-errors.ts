import { fatalError, PipelineError, UsageError } from '../../errors.ts';
import type { HubReference } from '../catalog/model-spec.ts';

/** A refusal of the hub, as its status and its `X-Error-Code` say. */
export interface Refusal {
  readonly status: number;
  readonly code: string | undefined;
}

/** What to do about a request that waiting will not mend. */
export function refused(
  { repository, revision }: HubReference,
  { status, code }: Refusal,
  endpoint: string,
  hasToken: boolean,
): PipelineError {
  const page = `${endpoint}/${repository}`;
  if (code === 'GatedRepo' || status === 403) {
    const account = hasToken ? 'that HF_TOKEN belongs to' : 'of yours, and set HF_TOKEN to a token of it';
    return denied(`${page} is gated: ask for access on its page with the account ${account}.`);
  }
  if (code === 'RevisionNotFound') return new UsageError(`${page} has no revision ${revision}.`);
  if (code === 'EntryNotFound') return new UsageError(`${page} does not have the file that was asked for.`);
  if (status === 404 || code === 'RepoNotFound') {
    const token = hasToken ? 'the account of HF_TOKEN may not see it' : 'it is private: then set HF_TOKEN';
    return new UsageError(`There is no model ${page}, or ${token}. Check its name.`);
  }
  if (status === 401) {
    return denied(
      hasToken
        ? `${page}: HF_TOKEN is not accepted. It may have ended; make another at ${endpoint}/settings/tokens.`
        : `${page} is not there, or not for everyone: check its name; for a private or gated model set HF_TOKEN.`,
    );
  }
  return fatalError(
    'HUB_REFUSED',
    `${page} could not be read: the answer was ${String(status)}${code === undefined ? '' : ` ${code}`}.`,
  );
}

function denied(message: string): PipelineError {
  return fatalError('HUB_ACCESS_DENIED', message);
}

/** After all attempts. What has come so far is kept. */
export function downloadFailed(what: string, reason: string, cause?: unknown): PipelineError {
  return new PipelineError(
    'MODEL_DOWNLOAD_FAILED',
    `${what} could not be downloaded: ${reason}. What has come is kept: start again to go on from there. ` +
      'Behind a proxy set HTTPS_PROXY; with the files in the cache already, HF_HUB_OFFLINE=1.',
    { retriable: true, cause },
  );
}

export function notInCache(what: string, cacheFolder: string): UsageError {
  return new UsageError(
    `${what} is not in the cache ${cacheFolder}, and HF_HUB_OFFLINE is set. Download it where there is a network ` +
      '("models check NAME") and copy that cache, or put its files into a folder of its name in --models-dir.',
  );
}
