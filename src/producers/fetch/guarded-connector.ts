import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { poisonError, type PipelineError } from '../../errors.ts';
import { isPublicAddress } from './public-address.ts';

export type ResolveAll = (
  hostname: string,
  /** With an error there are no addresses: Node's own types say otherwise. */
  callback: (error: NodeJS.ErrnoException | null, addresses?: readonly LookupAddress[]) => void,
) => void;

export interface ConnectorOptions {
  readonly timeoutMs: number;
  readonly allowPrivateHosts: boolean;
  /** Told when a name has been resolved: names are, here. */
  readonly onResolved: () => void;
  /** Default: the system's. */
  readonly resolve?: ResolveAll;
}

const systemResolve: ResolveAll = (hostname, callback) => {
  resolve(hostname, { all: true }, callback);
};

/**
 * A connector of undici that connects to public addresses only: it picks among those that the name has at the moment of
 * connecting, and looks at the socket's own address once more, so that no answer of the DNS that changes in between
 * leads elsewhere.
 */
export function guardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { allowPrivateHosts, timeoutMs, onResolved, resolve: resolveAll = systemResolve } = options;
  const isAllowed = (address: string): boolean => allowPrivateHosts || isPublicAddress(address);

  const lookup: LookupFunction = (hostname, { all }, callback) => {
    resolveAll(hostname, (error, found = []) => {
      const addresses = found.filter(({ address }) => isAllowed(address));
      const [first] = addresses;
      if (error !== null) callback(error, []);
      else {
        onResolved();
        if (first === undefined) callback(privateAddress(hostname), []);
        else if (all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      }
    });
  };
  const connect = buildConnector({ timeout: timeoutMs, lookup, allowH2: false });

  return (target, callback) => {
    // An address needs no lookup.
    if (isIP(target.hostname) !== 0 && !isAllowed(target.hostname)) {
      callback(privateAddress(target.hostname), null);
      return;
    }
    connect(target, (...answer) => {
      const [error, socket] = answer;
      if (error === null && !isAllowed(socket.remoteAddress ?? '')) {
        socket.destroy();
        callback(privateAddress(target.hostname), null);
      } else callback(...answer);
    });
  };
}

function privateAddress(hostname: string): PipelineError {
  return poisonError(
    'URL_PRIVATE_ADDRESS',
    `${hostname} is no host of the internet: its address is private or reserved. If that is meant, allow it with --allow-private-hosts`,
  );
}
