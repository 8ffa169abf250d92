import { UsageError } from '../../../errors.ts';

export interface ElasticLocation {
  /** Where the server is: protocol, host, port and the path before its API, without a slash at the end. */
  readonly node: string;
  /** The alias that is searched. */
  readonly alias: string;
}

/** A name takes a version and, for a moment, a suffix; Elasticsearch ends at 255 bytes. */
const MAX_ALIAS_BYTES = 230;

/** `https://host:9200/products`, from `--es-url` and `--es-index`. */
export function formatLocation(url: string, alias: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new UsageError(`--es-url must be a URL such as https://localhost:9200.`);
  if (parsed.username !== '' || parsed.password !== '')
    throw new UsageError(
      "--es-url can't hold a user or password: they come from ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and " +
        'ELASTICSEARCH_PASSWORD.',
    );
  if (parsed.search !== '' || parsed.hash !== '') throw new UsageError('--es-url must end with its path.');
  const problem = aliasProblem(alias);
  if (problem !== undefined) throw new UsageError(`--es-index=${alias} ${problem}.`);
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}/${encodeURIComponent(alias)}`;
}

export function parseLocation(location: string): ElasticLocation {
  const slash = location.lastIndexOf('/');
  return { node: location.slice(0, slash), alias: decodeURIComponent(location.slice(slash + 1)) };
}

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create says what names may be. */
function aliasProblem(alias: string): string | undefined {
  if (alias !== alias.toLowerCase()) return 'must be in lower case';
  if (/[\\/*?"<>|\s,#:]/.test(alias)) return `can't hold \\ / * ? " < > | , # : or a space`;
  if (alias === '' || /^[-_+.]/.test(alias)) return "can't be empty, nor begin with - _ + or a dot";
  if (Buffer.byteLength(alias) > MAX_ALIAS_BYTES) return `can't have more than ${MAX_ALIAS_BYTES} bytes`;
  if (/-\d{6,}$/.test(alias)) return "can't end like a version (-000001): that is added to it";
  return undefined;
}
