/**
 * An admin side can close every session, so a gate does not start with one that other machines reach, unless the config
 * says so in so many words, and then not without tokens of its own.
 */
import dns from 'node:dns/promises';
import net from 'node:net';
import { isLoopback } from '../transport/networks.ts';
import { type AdminAddress, parseAdminAddress } from './admin.ts';
import type { Spelled } from './problems.ts';
import type { Config } from './schema.ts';

type AdminConfig = NonNullable<Config['admin']>;

/** What is wrong with the admin side of a config, as far as that can be seen without asking for names. */
export function publicProblems(admin: Config['admin']): Spelled[] {
  if (admin === undefined) return [];
  const address = parseAdminAddress(admin.listen);
  const isOpen = address.kind === 'tcp' && net.isIP(address.host) !== 0 && !isLoopback(address.host);
  if (!admin.allowPublic)
    return isOpen ? [{ path: ['admin', 'listen'], message: refusal(admin.listen) }] : [];
  const said = 'with allowPublic, other machines reach this admin side';
  return [
    ...(admin.tokens.length > 0
      ? []
      : [{ path: ['admin', 'tokens'], message: `${said}: state who may ask, a token for each` }]),
    ...(admin.tls !== undefined || admin.allowPlain || address.kind === 'unix'
      ? []
      : [
          {
            path: ['admin', 'tls'],
            message: `${said}, and without TLS so do tokens: state \`tls\`, or \`allowPlain: true\` where the network between is trusted`,
          },
        ]),
  ];
}

/** As `node:dns` has it: every address of a name. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>;

const lookUpAll: LookUp = (host) => dns.lookup(host, { all: true });

/**
 * Where the admin side is to be bound: a name is looked up once, so that what was checked is what is bound.
 * @throws {Error} if it is a name of an address that other machines reach, and the config does not allow that
 */
export async function boundAddress(
  { listen, allowPublic }: Pick<AdminConfig, 'listen' | 'allowPublic'>,
  lookUp: LookUp = lookUpAll,
): Promise<AdminAddress> {
  const address = parseAdminAddress(listen);
  if (address.kind === 'unix') return address;
  const isIp = net.isIP(address.host) !== 0;
  const found = isIp ? [{ address: address.host }] : await lookUp(address.host);
  const open = found.find((entry) => !isLoopback(entry.address));
  if (open !== undefined && !allowPublic)
    throw new Error(`admin.listen: ${refusal(isIp ? listen : `${listen} is ${open.address}, which`)}`);
  return { ...address, host: found[0]?.address ?? address.host };
}

function refusal(what: string): string {
  return [
    `${what} is reached from other machines, and whoever reaches the admin side may try to close every session:`,
    'listen on 127.0.0.1:PORT or unix:PATH, or state `allowPublic: true` with `tokens` and `tls`',
  ].join(' ');
}
