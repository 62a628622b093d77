/** The config's `admin`: where the admin side of a gate listens, and what guards it. */
import { z } from 'zod';
import { type HostPort, parseHostPort } from '../transport/address.ts';
import { checked } from './checked.ts';

/** A TCP port, or a Unix socket by its path. */
export type AdminAddress =
  | ({ readonly kind: 'tcp' } & HostPort)
  | { readonly kind: 'unix'; readonly path: string };

const UNIX = 'unix:';

/** `HOST:PORT` or `unix:PATH`. @throws {Error} saying what is wrong */
export function parseAdminAddress(text: string): AdminAddress {
  if (!text.startsWith(UNIX)) return { kind: 'tcp', ...parseHostPort(text) };
  const path = text.slice(UNIX.length);
  if (path === '' || path.startsWith('//'))
    throw new Error(`${JSON.stringify(text)} is not unix:PATH, such as unix:/run/skewgate.sock`);
  return { kind: 'unix', path };
}

/** A host name as a browser sends it, without a port. @throws {Error} */
function parseHostName(text: string): void {
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(text))
    throw new Error(`${JSON.stringify(text)} is not a host name such as gate.example`);
}

export const admin = z
  .strictObject({
    listen: checked(parseAdminAddress)
      .meta({ pattern: String.raw`^(unix:.+|\S+:\d{1,5})$` })
      .describe(
        '`HOST:PORT` for the page and the API, or `unix:PATH` for a socket that only its owner may open (mode 0600)',
      ),
    tokenFile: z
      .string()
      .min(1)
      .default('admin.token')
      .describe(
        'file of the token that whatever changes something needs; made at the first start, mode 0600',
      ),
    hosts: z
      .array(checked(parseHostName))
      .default([])
      .describe(
        'host names by which it may be asked, beside localhost, addresses and the one in `listen`; others are refused, since a web page can make a name lead anywhere',
      ),
  })
  .optional();
