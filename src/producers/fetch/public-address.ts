import { BlockList, isIP } from 'node:net';

/** IPv4 that is not the internet. https://www.iana.org/assignments/iana-ipv4-special-registry */
const PRIVATE_V4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of IPv6, global addresses are in 2000::/3 alone, less these; IPv4 within IPv6 (mapped, NAT64, 6to4) is none either. */
const PRIVATE_V6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const nonPublic = new BlockList();
for (const [network, prefix] of PRIVATE_V4) nonPublic.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of PRIVATE_V6) nonPublic.addSubnet(network, prefix, 'ipv6');
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is one of the internet: not loopback, private, link-local, multicast, reserved, or no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !nonPublic.check(address, 'ipv4');
  // A zone (fe80::1%eth0) is of link-local addresses only.
  if (family !== 6 || address.includes('%')) return false;
  return global6.check(address, 'ipv6') && !nonPublic.check(address, 'ipv6');
}
