/** Lists of networks, as the config spells them: `10.0.0.0/8`, `2001:db8::/32`, or one address. */
import { BlockList } from 'node:net';
import { parseIp, printIp } from '../wire/ip-address.ts';

interface Network {
  /** Its first address. */
  readonly address: string;
  /** Bits that its addresses share. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Reads one network. @throws {Error} saying what is wrong */
export function parseNetwork(text: string): Network {
  const [, host, bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = host === undefined ? null : parseIp(host);
  const most = ip === null ? 0 : 8 * ip.length;
  const prefix = bits === undefined ? most : Number(bits);
  if (ip === null || prefix > most)
    throw new Error(`${JSON.stringify(text)} is no network such as 10.0.0.0/8 or 2001:db8::/32`);
  return { address: printIp(ip), prefix, family: ip.length === 4 ? 'ipv4' : 'ipv6' };
}

/** Addresses, by the networks that they are in. IPv4 in IPv6 form is IPv4. */
export class Networks {
  readonly #list = new BlockList();

  /** @throws {Error} if one of them is none */
  constructor(networks: readonly string[]) {
    for (const { address, prefix, family } of networks.map(parseNetwork))
      this.#list.addSubnet(address, prefix, family);
  }

  /** Whether an address is in one of them; what is no IP address is in none. @param host without a port */
  has(host: string): boolean {
    const ip = parseIp(host);
    return ip !== null && this.#list.check(printIp(ip), ip.length === 4 ? 'ipv4' : 'ipv6');
  }
}

const LOOPBACK = new Networks(['127.0.0.0/8', '::1']);

/** Whether an IP address leads to this machine alone. Of a name that is not known: false. */
export const isLoopback = (address: string): boolean => LOOPBACK.has(address);

/** The same of a host, as a config names it: `localhost` leads nowhere else. */
export const isLocalHost = (host: string): boolean => host === 'localhost' || isLoopback(host);
