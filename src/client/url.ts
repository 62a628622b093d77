/**
 * Connection URLs, in the style of JDBC: `skewgate://HOST:PORT/?version=4.14.2&user=x`, `skewgate+ws://…`, both
 * also behind `jdbc:`. Query parameters other than `version`, `upgrade`, `protocol`, `token` and `tokenFile` are
 * properties. A URL that stands in an error has its token taken out.
 */
import { parseVersion } from '../version/version.ts';
import type { MessageInput } from '../wire/messages.ts';

export interface Target {
  /** With the transport's scheme. */
  readonly address: string;
  readonly hello: MessageInput<'hello'>;
  /** A file that holds the client's token. */
  readonly tokenFile?: string;
}

const SCHEMES: Readonly<Record<string, string>> = { 'skewgate:': 'tcp', 'skewgate+ws:': 'ws' };
export const DEFAULT_PORT = 8700;
export const DRIVER_NAME = 'skewgate-node';

/** A connection URL that cannot be meant. The message says what is wrong with it. */
export class UrlError extends Error {
  override readonly name = 'UrlError';
}

/** Where a URL leads, and the hello that it states. @throws {UrlError} saying what is wrong */
export function parseUrl(text: string): Target {
  const bare = text.replace(/^jdbc:/, '');
  const quoted = JSON.stringify(withoutSecrets(text));
  if (!URL.canParse(bare)) throw new UrlError(`${quoted} is not a URL`);
  const url = new URL(bare);
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined) throw new UrlError(`${quoted}: the scheme is one of skewgate://, skewgate+ws://`);
  if (url.hostname === '') throw new UrlError(`${quoted} names no host`);
  if (url.username !== '' || url.password !== '')
    throw new UrlError('who connects is a property: user=NAME behind the ?, not in front of the host');
  const names = [...url.searchParams.keys()];
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new UrlError(`${twice} is stated twice`);
  if (url.searchParams.get('version') === null)
    throw new UrlError(`${quoted} states no version: add ?version=4.14.0`);
  return {
    address: `${scheme}://${url.hostname}:${url.port || DEFAULT_PORT}`,
    ...statedBy(Object.fromEntries(url.searchParams)),
  };
}

/** What the query says. @throws {UrlError} */
function statedBy(query: Readonly<Record<string, string>>): Omit<Target, 'address'> {
  const { token, tokenFile, ...others } = query;
  // A slip such as `version=4.14.0?token=…` puts the secret into a text that an error quotes.
  const { version = '', upgrade, protocol } = mapValues(others, withoutSecrets);
  const { version: _, upgrade: __, protocol: ___, ...properties } = others;
  try {
    parseVersion(version);
  } catch (error) {
    throw new UrlError((error as Error).message);
  }
  if (upgrade !== undefined && upgrade !== 'may' && upgrade !== 'must-not')
    throw new UrlError(`upgrade=${upgrade}: it is "may" or "must-not"`);
  if (token !== undefined && tokenFile !== undefined)
    throw new UrlError('state either token or tokenFile, not both');
  return {
    hello: {
      version,
      driver: DRIVER_NAME,
      properties,
      ...(upgrade && { upgrade }),
      ...(protocol !== undefined && { protocol: parseRange(protocol) }),
      ...(token !== undefined && { token }),
    },
    ...(tokenFile !== undefined && { tokenFile }),
  };
}

/** A URL, or what was meant for one, as it may be shown: `token=***`, however the name is spelt, and no one's password. */
export function withoutSecrets(text: string): string {
  const shown = text.replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1***@');
  return shown.replace(/([?&#;]|^)([^?&#;=\s]*)=([^?&#]*)/g, (whole, before: string, name: string) =>
    decoded(name).toLowerCase() === 'token' ? `${before}${name}=***` : whole,
  );
}

function mapValues(
  texts: Readonly<Record<string, string>>,
  map: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, map(text)]));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** `3..5` to a range of protocol versions, both ends included. @throws {UrlError} */
export function parseRange(text: string): { min: number; max: number } {
  const match = /^(\d{1,9})\.\.(\d{1,9})$/.exec(text);
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || min > max) throw new UrlError(`${JSON.stringify(text)} is not a range such as 3..5`);
  return { min, max };
}
