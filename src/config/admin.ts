/** The config's `admin`: where the admin side of a gate listens, what guards it, and who may do what there. */
import { z } from 'zod';
import { type HostPort, parseHostPort } from '../transport/address.ts';
import { checked, eachNameOnce } from './checked.ts';

/** A TCP port, or a Unix socket by its path. */
export type AdminAddress =
  | ({ readonly kind: 'tcp' } & HostPort)
  | { readonly kind: 'unix'; readonly path: string };

/** Who a token is, from the least to the most: each role may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

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

const token = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.@-]{1,64}$/, 'a name has letters, digits and any of . _ @ -, 64 at most')
      .describe('who has it, for the record of what was done with it'),
    role: z
      .enum(ROLES)
      .describe('`viewer` reads, `operator` also runs verbs, `admin` also reloads and lets upgrades begin'),
    env: z.string().min(1).optional().describe('environment variable that holds it'),
    file: z
      .string()
      .min(1)
      .optional()
      .describe('file that holds it, which only its owner may read (mode 0600)'),
  })
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), {
    message: 'a token is in one of env and file',
  });

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
        'without `tokens`: file of the one token, which whatever changes something needs; made at the first start, mode 0600',
      ),
    tokens: z
      .array(token)
      .max(100)
      .superRefine(eachNameOnce('token'))
      .default([])
      .describe(
        'who may ask, and what for; with any, reading needs a token too, and none is made. They are read again at each reload',
      ),
    metricsToken: z
      .boolean()
      .default(false)
      .describe('with `tokens`: whether `/metrics` needs one too, of a viewer or above'),
    tls: z
      .strictObject({
        cert: z.string().min(1).describe('PEM file of the certificate, with those in between'),
        key: z.string().min(1).describe('PEM file of its key'),
        clientCa: z
          .string()
          .min(1)
          .optional()
          .describe(
            'PEM file of the authorities one of which has to have signed the certificate of whoever connects',
          ),
      })
      .optional()
      .describe('makes it `https`; the files are read again at each reload'),
    allowPublic: z
      .boolean()
      .default(false)
      .describe(
        'whether it may listen where other machines reach it, which takes `tokens`, and `tls` or `allowPlain`; the gate does not start so otherwise',
      ),
    allowPlain: z
      .boolean()
      .default(false)
      .describe('with `allowPublic`: whether tokens may cross the network in the clear'),
    hosts: z
      .array(checked(parseHostName))
      .default([])
      .describe(
        'host names by which it may be asked, beside localhost, addresses and the one in `listen`; others are refused, since a web page can make a name lead anywhere',
      ),
  })
  .optional();
