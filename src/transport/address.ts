/** Addresses as config and command line spell them: `HOST:PORT`, `[V6]:PORT`, `tcp://…`, `ws://…`. */
import type { Connection, DialOptions, Transport } from '../ports/transport.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Takes `HOST:PORT` apart; an IPv6 host stands in brackets. @throws {Error} saying what is wrong */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Error(`${JSON.stringify(text)} is not HOST:PORT, such as 127.0.0.1:8700`);
  return { host: (match[1] ?? match[2]) as string, port };
}

/** The opposite of `parseHostPort`. */
export function printHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of `HOST:PORT`, whatever it is; an IPv6 host without its brackets. */
export function hostOf(text: string): string {
  const host = text.slice(0, Math.max(0, text.lastIndexOf(':'))) || text;
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** Transports by scheme; `dial` takes whole addresses such as `tcp://127.0.0.1:9001`. */
export type Transports = Readonly<Record<string, Transport>>;

/** Dials a whole address with the transport of its scheme. @throws {Error} if there is none, or as `Transport.dial` */
export function dial(transports: Transports, address: string, options?: DialOptions): Promise<Connection> {
  const [scheme, rest] = splitAddress(address);
  const transport = transports[scheme];
  if (transport === undefined) throw new Error(`no transport for ${scheme}://`);
  return transport.dial(rest, options);
}

/** Takes `SCHEME://REST` apart. @throws {Error} if it is not of that form */
export function splitAddress(address: string): [scheme: string, rest: string] {
  const at = address.indexOf('://');
  if (at < 1) throw new Error(`${JSON.stringify(address)} is not an address such as tcp://127.0.0.1:9001`);
  return [address.slice(0, at), address.slice(at + 3)];
}
