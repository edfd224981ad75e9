import { BlockList, isIP } from 'node:net';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from './network.ts';

/** The parts of an address that this node listens on or dials. */
export interface Address {
  /** An IP address or a host name. */
  readonly host: string;
  readonly port: number;
  /** The `/p2p/` suffix, if there is one. */
  readonly peer: PeerId | undefined;
}

const hosts = ['ip4', 'ip6', 'dns', 'dns4', 'dns6'];

/** Reads `/ip4|ip6|dns|dns4|dns6/<host>/tcp/<port>[/p2p/<peer>]`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  let components: { readonly name: string; readonly value?: string }[];
  try {
    components = multiaddr(text).getComponents();
  } catch {
    return undefined;
  }
  const [host, tcp, p2p] = components;
  if (host?.value === undefined || !hosts.includes(host.name)) return undefined;
  if (tcp?.value === undefined || tcp.name !== 'tcp') return undefined;
  if (components.length > 3 || (p2p !== undefined && p2p.name !== 'p2p')) return undefined;
  return { host: host.value, port: Number(tcp.value), peer: p2p?.value };
}

/** The IP address at the far end of a connection; undefined if it has none. */
export function remoteAddress(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value;
}

/** Exact membership in a set of addresses and CIDR ranges. */
export interface AddressSet {
  /** An IPv4-mapped IPv6 address counts as the IPv4 address that it is. */
  has(address: string): boolean;
}

/** Whether `text` is an IP address or `address/prefix`, of one family and not IPv4 dressed as IPv6. */
export function isRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%') || unmapped(address) !== address) return false;
  return prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** @param ranges texts that satisfy {@link isRange} @throws {RangeError} for others */
export function addressSet(ranges: readonly string[]): AddressSet {
  // A list per family: in a common one, Node lets ::/0 match IPv4 addresses too.
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const range of ranges) {
    if (!isRange(range)) throw new RangeError(`${range} is neither an IP address nor a CIDR range`);
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 4 ? 4 : 6;
    if (prefix === undefined) lists[family].addAddress(address, `ipv${family}`);
    else lists[family].addSubnet(address, Number(prefix), `ipv${family}`);
  }
  return {
    has(text) {
      const address = unmapped(text.replace(/%.*$/, ''));
      const family = isIP(address);
      return family === 4 ? lists[4].check(address, 'ipv4') : family === 6 && lists[6].check(address, 'ipv6');
    },
  };
}

/** The IPv4 address within an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), in whatever spelling; others unchanged. */
function unmapped(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address;
  // The URL parser knows one spelling of each: ::ffff:a00:1
  const [, high, low] = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${address}]`).hostname) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}
