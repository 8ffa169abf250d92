import { join } from 'node:path';

/** How the Hugging Face hub is reached, and where its files are kept. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Shared with Python's huggingface_hub, and laid out as it does. */
  readonly cacheFolder: string;
  /** Sent to `endpoint` alone. */
  readonly token?: string;
  /** Nothing is asked of the network. */
  readonly offline: boolean;
  readonly proxies: { readonly httpProxy?: string; readonly httpsProxy?: string; readonly noProxy?: string };
}

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINT = 'https://huggingface.co';

/** From the variables that huggingface_hub reads (its constants.py), and the usual ones of proxies. */
export function hubSettings(environment: Environment, homeFolder: string): HubSettings {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
  const expand = (path: string): string => path.replace(/^~(?=$|[\\/])/, homeFolder);
  const caches = expand(first('XDG_CACHE_HOME') ?? join(homeFolder, '.cache'));
  const home = expand(first('HF_HOME') ?? join(caches, 'huggingface'));
  const token = first('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN');
  const httpProxy = first('http_proxy', 'HTTP_PROXY');
  const httpsProxy = first('https_proxy', 'HTTPS_PROXY');
  const noProxy = first('no_proxy', 'NO_PROXY');
  return {
    endpoint: (first('HF_ENDPOINT') ?? ENDPOINT).replace(/\/+$/, ''),
    cacheFolder: expand(first('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub')),
    ...(token !== undefined && { token }),
    offline: /^(?:1|on|yes|true)$/i.test(first('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE') ?? ''),
    proxies: {
      ...(httpProxy !== undefined && { httpProxy }),
      ...(httpsProxy !== undefined && { httpsProxy }),
      ...(noProxy !== undefined && { noProxy }),
    },
  };
}
