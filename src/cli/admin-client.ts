/**
 * A gate that runs, as commands ask it: over its admin side, which they find by the gate's config, or by an address and
 * the token in SKEWGATE_TOKEN. Reading needs no token.
 */
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { readToken } from '../admin/token.ts';
import { parseAdminAddress } from '../config/admin.ts';
import { loadConfig } from '../config/load.ts';
import { UsageError } from './usage.ts';

/** The options that say which gate is meant. */
export interface AdminOptions {
  readonly config?: string;
  readonly admin?: string;
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
        'where the admin side of the gate is: http://HOST:PORT or unix:PATH; the token is taken from SKEWGATE_TOKEN',
      ).conflicts('config'),
    );
}

/** Where a gate's admin side is, and what it is asked with. */
interface Place {
  /** For people. */
  readonly name: string;
  readonly to: http.RequestOptions;
  readonly isSecure: boolean;
  /** Null: there is none to send. @throws {SetupError} if the config's file of it can't be read */
  readonly token: () => string | null;
}

/** The gate that the options name. @throws {UsageError} @throws {ConfigError} */
export async function adminClient({ config, admin }: AdminOptions): Promise<AdminClient> {
  if (admin !== undefined) return new AdminClient(placeAt(admin));
  if (config !== undefined) return new AdminClient(await placeIn(config));
  throw new UsageError('say which gate: --config gate.yaml, or --admin http://HOST:PORT');
}

const given = () => process.env.SKEWGATE_TOKEN || null;

function placeAt(text: string): Place {
  if (text.startsWith('unix:')) return socketAt(text.slice('unix:'.length), given);
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--admin ${text}: not http://HOST:PORT, nor unix:PATH`);
  // The gate prints its address with the token behind it.
  const [, token] = /^#token=(\S+)$/.exec(url.hash) ?? [];
  return {
    name: url.origin,
    to: { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port },
    isSecure: url.protocol === 'https:',
    token: () => given() ?? token ?? null,
  };
}

async function placeIn(file: string): Promise<Place> {
  const { admin } = await loadConfig(file);
  if (admin === undefined)
    throw new UsageError(`${file} has no \`admin\`, by which a gate is asked while it runs`);
  const folder = path.dirname(path.resolve(file));
  const token = () => given() ?? readToken(path.resolve(folder, admin.tokenFile));
  const address = parseAdminAddress(admin.listen);
  if (address.kind === 'unix') return socketAt(path.resolve(folder, address.path), token);
  if (address.port === 0)
    throw new UsageError(`${file} leaves the port of \`admin\` open: say --admin, as the gate printed it`);
  const host = EVERYWHERE[address.host] ?? address.host;
  return { name: `http://${admin.listen}`, to: { host, port: address.port }, isSecure: false, token };
}

function socketAt(socketPath: string, token: Place['token']): Place {
  return { name: `unix:${socketPath}`, to: { socketPath, host: 'localhost' }, isSecure: false, token };
}

type Query = Readonly<Record<string, string | undefined>>;

/** How something is asked that takes a body. */
export interface PostOptions {
  /** Ends the wait for the answer. */
  readonly signal?: AbortSignal;
  /** Of what changes nothing: it needs no token. */
  readonly isHarmless?: boolean;
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
  async post<Body>(route: string, body: unknown, { signal, isHarmless }: PostOptions = {}): Promise<Body> {
    const token = isHarmless ? null : this.#place.token();
    const headers = {
      'content-type': 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
    const asked = { headers, ...(signal && { signal }) };
    return bodyOf(await this.#send('POST', route, asked, JSON.stringify(body))) as Promise<Body>;
  }

  #send(
    method: string,
    route: string,
    more: http.RequestOptions,
    body?: string,
  ): Promise<http.IncomingMessage> {
    const { name, to, isSecure } = this.#place;
    return new Promise((resolve, reject) => {
      const { request } = isSecure ? https : http;
      const asked = request({ ...to, ...more, method, path: route }, resolve);
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
