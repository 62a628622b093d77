/**
 * Connection URLs, in the style of JDBC: `skewgate://HOST:PORT/?version=4.14.2&user=x`, `skewgate+ws://…`, both
 * also behind `jdbc:`. Query parameters other than `version`, `upgrade` and `protocol` are properties.
 */
import { parseVersion } from '../version/version.ts';
import type { MessageInput } from '../wire/messages.ts';

export interface Target {
  /** With the transport's scheme. */
  readonly address: string;
  readonly hello: MessageInput<'hello'>;
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
  if (!URL.canParse(bare)) throw new UrlError(`${JSON.stringify(text)} is not a URL`);
  const url = new URL(bare);
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined)
    throw new UrlError(`${JSON.stringify(text)}: the scheme is one of skewgate://, skewgate+ws://`);
  if (url.hostname === '') throw new UrlError(`${JSON.stringify(text)} names no host`);
  if (url.username !== '' || url.password !== '')
    throw new UrlError('who connects is a property: user=NAME behind the ?, not in front of the host');
  const names = [...url.searchParams.keys()];
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new UrlError(`${twice} is stated twice`);
  const { version, upgrade, protocol, ...properties } = Object.fromEntries(url.searchParams);
  if (version === undefined)
    throw new UrlError(`${JSON.stringify(text)} states no version: add ?version=4.14.0`);
  try {
    parseVersion(version);
  } catch (error) {
    throw new UrlError((error as Error).message);
  }
  if (upgrade !== undefined && upgrade !== 'may' && upgrade !== 'must-not')
    throw new UrlError(`upgrade=${upgrade}: it is "may" or "must-not"`);
  return {
    address: `${scheme}://${url.hostname}:${url.port || DEFAULT_PORT}`,
    hello: {
      version,
      driver: DRIVER_NAME,
      properties,
      ...(upgrade && { upgrade }),
      ...(protocol !== undefined && { protocol: parseRange(protocol) }),
    },
  };
}

/** `3..5` to a range of protocol versions, both ends included. @throws {UrlError} */
export function parseRange(text: string): { min: number; max: number } {
  const match = /^(\d{1,9})\.\.(\d{1,9})$/.exec(text);
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || min > max) throw new UrlError(`${JSON.stringify(text)} is not a range such as 3..5`);
  return { min, max };
}
