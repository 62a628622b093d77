/**
 * A gate that runs, as commands ask it: over its admin side, which they find by the gate's config, or by an address. The
 * token is in SKEWGATE_TOKEN, in a file that is named, or where the config says: of several tokens there, the one of the
 * least role that will do.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { accessOf, isChange, suffices } from '../admin/access.ts';
import { tokenOf } from '../admin/credentials.ts';
import { readStatedToken, readToken } from '../admin/token.ts';
import { parseAdminAddress, ROLES } from '../config/admin.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { UsageError } from './usage.ts';

/** The options that say which gate is meant. */
export interface AdminOptions {
  readonly config?: string;
  readonly admin?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** ms for an answer that is there at once. A verb answers when what it says is true, and may take its time. */
const READ_MS = 10_000;
/** What listens everywhere is reached here. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** What a gate did not do, or that none answered. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  /** A word for programs: the API's, or that of the system where no gate answered. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Adds `--config` and `--admin` to a command. */
export function addAdminOptions(command: Command): Command {
  return command
    .option('--config <file>', "the gate's config, which says where its admin side is")
    .addOption(
      new Option(
        '--admin <url>',
        'where the admin side of the gate is: http://HOST:PORT, https://HOST:PORT or unix:PATH',
      ).conflicts('config'),
    )
    .option(
      '--token-file <file>',
      'file of the token to ask with, mode 0600 (default: the variable SKEWGATE_TOKEN, then what --config names)',
    )
    .option('--ca <file>', "PEM file of the authority to trust for https (default: the system's)")
    .option('--cert <file>', 'PEM file of the certificate to show, where the gate wants one')
    .option('--key <file>', 'PEM file of its key');
}

type Tokens = (method: string, route: string) => string | null;

/** Where a gate's admin side is, and what it is asked with. */
interface Place {
  /** For people. */
  readonly name: string;
  readonly to: https.RequestOptions;
  readonly isSecure: boolean;
  /** The one to ask this with; null: there is none to send. @throws {SetupError} if it can't be read */
  readonly token: Tokens;
}

/** The gate that the options name. @throws {UsageError} @throws {ConfigError} */
export async function adminClient({
  config,
  admin,
  tokenFile,
  ...files
}: AdminOptions): Promise<AdminClient> {
  const given = givenToken(tokenFile);
  const tls = readPems(files);
  if (admin !== undefined) return new AdminClient(withTls(placeAt(admin, given), tls));
  if (config !== undefined) return new AdminClient(withTls(await placeIn(config, given), tls));
  throw new UsageError('say which gate: --config gate.yaml, or --admin http://HOST:PORT');
}

type Pems = Readonly<Partial<Record<'ca' | 'cert' | 'key', Buffer>>>;

/** @throws {UsageError} if one can't be read */
function readPems(files: Pick<AdminOptions, 'ca' | 'cert' | 'key'>): Pems {
  const read = ([name, file]: [string, string]) => {
    try {
      return [name, readFileSync(file)];
    } catch (error) {
      throw new UsageError(`--${name}: ${(error as Error).message}`);
    }
  };
  return Object.fromEntries(
    Object.entries(files as Record<string, string>)
      .filter(isPem)
      .map(read),
  );
}

/** Commands have options of their own, too. */
const isPem = ([name]: readonly [string, unknown]) => ['ca', 'cert', 'key'].includes(name);

const withTls = (place: Place, tls: Pems): Place => ({ ...place, to: { ...place.to, ...tls } });

/** @throws {UsageError} if the file holds none */
function givenToken(file: string | undefined): string | null {
  if (file === undefined) return process.env.SKEWGATE_TOKEN || null;
  try {
    return readStatedToken({ file });
  } catch (error) {
    throw new UsageError(`--token-file: ${(error as Error).message}`);
  }
}

function placeAt(text: string, given: string | null): Place {
  if (text.startsWith('unix:')) return socketAt(text.slice('unix:'.length), () => given);
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--admin ${text}: not http://HOST:PORT, nor unix:PATH`);
  // The gate prints its address with the token behind it.
  const [, token] = /^#token=(\S+)$/.exec(url.hash) ?? [];
  return {
    name: url.origin,
    to: { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port },
    isSecure: url.protocol === 'https:',
    token: () => given ?? token ?? null,
  };
}

async function placeIn(file: string, given: string | null): Promise<Place> {
  const { admin } = await loadConfig(file);
  if (admin === undefined)
    throw new UsageError(`${file} has no \`admin\`, by which a gate is asked while it runs`);
  const folder = path.dirname(path.resolve(file));
  const token = given === null ? tokensOf(admin, folder) : () => given;
  const address = parseAdminAddress(admin.listen);
  if (address.kind === 'unix') return socketAt(path.resolve(folder, address.path), token);
  if (address.port === 0)
    throw new UsageError(`${file} leaves the port of \`admin\` open: say --admin, as the gate printed it`);
  const host = EVERYWHERE[address.host] ?? address.host;
  const isSecure = admin.tls !== undefined;
  const name = `http${isSecure ? 's' : ''}://${admin.listen}`;
  return { name, to: { host, port: address.port }, isSecure, token };
}

/** The tokens of a config; what asks for little is asked with the token of a small role. */
function tokensOf({ tokens, tokenFile }: NonNullable<Config['admin']>, folder: string): Tokens {
  const ascending = tokens.toSorted((one, other) => ROLES.indexOf(one.role) - ROLES.indexOf(other.role));
  return (method, route) => {
    const access = accessOf(method, route.split('?')[0] as string) ?? 'anybody';
    if (tokens.length === 0) return isChange(access) ? readToken(path.resolve(folder, tokenFile)) : null;
    if (access === 'anybody') return null;
    const fitting = ascending.filter(({ role }) => suffices(role, access));
    return firstReadable(fitting, folder);
  };
}

/** Whoever runs a command need not be able to read all of them. @throws {SetupError} of the first, if none can be read */
function firstReadable(tokens: NonNullable<Config['admin']>['tokens'], folder: string): string | null {
  let failure: unknown = null;
  for (const token of tokens) {
    try {
      return tokenOf(token, folder);
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== null) throw failure;
  return null;
}

function socketAt(socketPath: string, token: Place['token']): Place {
  return { name: `unix:${socketPath}`, to: { socketPath, host: 'localhost' }, isSecure: false, token };
}

type Query = Readonly<Record<string, string | undefined>>;

/** How something is asked that takes a body. */
export interface PostOptions {
  /** Ends the wait for the answer. */
  readonly signal?: AbortSignal;
}

/** Asks one gate. */
export class AdminClient {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** What is at a path. @throws {AdminError} @throws {UsageError} if the gate can't make sense of the question */
  async get<Body>(route: string, query: Query = {}): Promise<Body> {
    const stated = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = stated.length === 0 ? '' : `?${new URLSearchParams(stated)}`;
    const signal = AbortSignal.timeout(READ_MS);
    return bodyOf(await this.#send('GET', `${route}${search}`, { signal })) as Promise<Body>;
  }

  /**
   * Has a gate do something, or asks it what takes a body.
   * @throws {AdminError} @throws {UsageError} as above
   */
  async post<Body>(route: string, body: unknown, { signal }: PostOptions = {}): Promise<Body> {
    // Whatever stands between may send it a second time: the gate acts on it once.
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
    const asked = { headers, ...(signal && { signal }) };
    return bodyOf(await this.#send('POST', route, asked, JSON.stringify(body))) as Promise<Body>;
  }

  #send(
    method: string,
    route: string,
    { headers, ...more }: http.RequestOptions & { headers?: http.OutgoingHttpHeaders },
    body?: string,
  ): Promise<http.IncomingMessage> {
    const { name, to, isSecure } = this.#place;
    const token = this.#place.token(method, route);
    const all = { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) };
    return new Promise((resolve, reject) => {
      const { request } = isSecure ? https : http;
      const asked = request({ ...to, ...more, headers: all, method, path: route }, resolve);
      asked.on('error', (error: NodeJS.ErrnoException) => {
        const why = error.name === 'AbortError' ? 'it took too long' : error.message || error.code;
        reject(new AdminError(`no gate answers at ${name}: ${why}`, error.code ?? 'NO_ANSWER'));
      });
      asked.end(body);
    });
  }
}

/** What the gate answered, or what it has against it. */
async function bodyOf(answer: http.IncomingMessage): Promise<unknown> {
  const body = await json(answer).catch(() => null);
  const { statusCode = 0 } = answer;
  if (statusCode < 300) return body;
  const { error = `HTTP ${statusCode}`, message = error } = (body ?? {}) as Record<string, string>;
  if (statusCode === 400) throw new UsageError(message);
  throw new AdminError(message, error);
}
