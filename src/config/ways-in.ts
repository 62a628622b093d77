/**
 * Whether clients of a config can say who they are: each listener leaves them a way to, each token is somebody's, and none
 * is sent where others read along.
 */

import { parseHostPort } from '../transport/address.ts';
import { isLocalHost } from '../transport/networks.ts';
import type { Spelled } from './problems.ts';
import type { Config } from './schema.ts';
import { didYouMean } from './suggest.ts';

type Listener = Config['listen'][number];

/** Whether a client that is not known is refused. */
export function isAsked({ clients, identities }: Pick<Config, 'clients' | 'identities'>): boolean {
  return clients.required ?? (identities.length > 0 || clients.tokens.length > 0);
}

/** What a listener says of TLS. */
interface Tls {
  readonly tls?: { readonly clientCa?: string | undefined } | undefined;
}

/** Whether its clients are asked for a certificate. */
const takesCertificate = (listener: Listener & Tls) => listener.tls?.clientCa !== undefined;

/** Whether its clients can send a token: they speak the handshake. */
const takesToken = ({ assume, speaks = 'skewgate' }: Listener) =>
  assume === undefined && speaks === 'skewgate';

/** What keeps clients from being known, each with its key. */
export function findStrangers(config: Config): Spelled[] {
  const { clients, identities, listen } = config;
  return [
    ...requirement(config),
    ...identities.flatMap(({ token }, at) => unknownToken(config, token, at)),
    ...clients.tokens.flatMap(({ name }, at) => unusedToken(config, name, at)),
    ...listen.flatMap((listener, at) => [
      ...noWayIn(config, listener, at),
      ...inTheOpen(config, listener, at),
    ]),
  ];
}

function requirement({ clients, identities }: Config): Spelled[] {
  const at = ['clients', 'required'];
  if (clients.required === false && identities.length > 0)
    return [
      {
        path: at,
        message:
          'with identities, a client that is not known could say that it is of any release: leave this out',
      },
    ];
  if (clients.required === true && identities.length === 0 && clients.tokens.length === 0)
    return [
      { path: at, message: 'there is nothing to know a client by: state clients.tokens or identities' },
    ];
  return [];
}

function unknownToken({ clients }: Config, token: string | undefined, at: number): Spelled[] {
  const names = clients.tokens.map(({ name }) => name);
  if (token === undefined || names.includes(token)) return [];
  return [
    {
      path: ['identities', at, 'token'],
      message: `none of clients.tokens is called ${JSON.stringify(token)}${didYouMean(token, names)}`,
    },
  ];
}

function unusedToken({ identities }: Config, name: string, at: number): Spelled[] {
  if (identities.length === 0 || identities.some(({ token }) => token === name)) return [];
  return [
    {
      path: ['clients', 'tokens', at, 'name'],
      message: `no entry of identities has token: ${name}, so whoever sends it is nobody`,
    },
  ];
}

function noWayIn(config: Config, listener: Listener, at: number): Spelled[] {
  if (!isAsked(config)) return [];
  const { clients, identities } = config;
  if (takesToken(listener) && clients.tokens.length > 0) return [];
  if (takesCertificate(listener) && identities.some(({ token }) => token === undefined)) return [];
  const what = takesToken(listener)
    ? 'clients are known by certificates alone, and none is asked for here'
    : 'its programs can send no token, and no certificate is asked for here';
  return [
    {
      path: ['listen', at],
      message: `nobody could come in: ${what}`,
    },
  ];
}

function inTheOpen({ clients }: Config, listener: Listener & Tls, at: number): Spelled[] {
  const { tcp, ws, allowPlain = false } = listener;
  const { host } = parseHostPort((tcp ?? ws) as string);
  if (clients.tokens.length === 0 || !takesToken(listener) || allowPlain || listener.tls || isLocalHost(host))
    return [];
  return [
    {
      path: ['listen', at, tcp === undefined ? 'ws' : 'tcp'],
      message:
        'clients would send their tokens in the open: give it tls, a loopback address, or allowPlain: true where something else hides them',
    },
  ];
}
