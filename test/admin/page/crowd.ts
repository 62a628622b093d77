/**
 * Two hundred clients of three kinds that come, stay for some seconds, leave, and come again, as long as a test wants:
 * programs by the driver, psql and redis-cli on ports that stand for a release. Each says how every stay ended.
 */
import { execFile } from 'node:child_process';
import type { Session } from '../../../src/client/session.ts';
import { connectAs, type RealGate } from './real-fleet.ts';

/** A client's release, and how it gets to be one of it. */
export interface Kind {
  readonly name: 'driver' | 'psql' | 'redis-cli';
  readonly count: number;
}

/** What went wrong with one stay that could have gone well. */
export interface Loss {
  readonly kind: Kind['name'];
  readonly version: string;
  readonly why: string;
}

export interface CrowdOptions {
  readonly gates: readonly RealGate[];
  readonly kinds: readonly Kind[];
  /** Its release at each new stay. */
  readonly version: (client: number) => string;
  /** Which listener of a gate stands for a release. */
  readonly portOf: (gate: RealGate, version: string) => string;
}

/** s that one stay takes. */
const STAY = 8;
/** ms from one stay to the next. */
const REST = 300;
const SECONDS = Array.from({ length: STAY }, (_, at) => at);

/** The clients, from `start` to `stop`. */
export class Crowd {
  readonly losses: Loss[] = [];
  /** Stays that ended well, by kind and release. */
  readonly stays = new Map<string, number>();
  readonly #options: CrowdOptions;
  #running: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** They come one after the other, over `overMs`. */
  start(overMs: number): void {
    const all = this.#options.kinds.flatMap(({ name, count }) => Array.from({ length: count }, () => name));
    this.#running = Promise.all(
      all.map(async (kind, at) => {
        await rest((overMs * at) / all.length);
        while (!this.#isOver) {
          await this.#stay(kind, at);
          await rest(REST);
        }
      }),
    );
  }

  /** Nobody comes any more. Resolves once the last one has left. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #stay(kind: Kind['name'], at: number): Promise<void> {
    const { gates, version, portOf } = this.#options;
    const gate = gates[at % gates.length] as RealGate;
    const release = version(at);
    const port = () => portOf(gate, release);
    const why =
      kind === 'driver'
        ? await driven(gate, release, `web-${at}`)
        : kind === 'psql'
          ? await psql(port())
          : await redis(port());
    const key = `${kind} ${release}`;
    if (why === null) this.stays.set(key, (this.stays.get(key) ?? 0) + 1);
    else this.losses.push({ kind, version: release, why });
  }
}

const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Says something every second, and hears it back. Returns what went wrong, or null. */
async function driven(gate: RealGate, version: string, name: string): Promise<string | null> {
  try {
    const session = await connectAs(gate, version, name);
    const heard = text(session);
    // It is looked at once all is said.
    heard.catch(() => {});
    for (const second of SECONDS) {
      if (session.readableEnded || session.destroyed) return `cut off after ${second} s`;
      session.write(`${second}.`);
      await rest(1_000);
    }
    session.end();
    const answer = await heard;
    return answer === SECONDS.map((second) => `${second}.`).join('')
      ? null
      : `heard ${JSON.stringify(answer)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function text(session: Session): Promise<string> {
  let heard = '';
  return new Promise((resolve, reject) => {
    session.on('data', (bytes: Buffer) => {
      heard += bytes.toString();
    });
    session.once('end', () => resolve(heard));
    session.once('error', reject);
  });
}

async function psql(port: string): Promise<string | null> {
  const queries = SECONDS.flatMap((second) => ['-c', `select ${second} from pg_sleep(1)`]);
  const where = `host=127.0.0.1 port=${port} user=postgres dbname=postgres`;
  return run('psql', ['-X', '-At', ...queries, where], SECONDS.map((second) => `${second}\n`).join(''));
}

async function redis(port: string): Promise<string | null> {
  return run('redis-cli', ['-p', port, '-r', String(STAY), '-i', '1', 'ping'], 'PONG\n'.repeat(STAY));
}

/** Runs a program to its end. Returns null where it said what was expected. */
function run(program: string, args: readonly string[], expected: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: 60_000, env: { ...process.env, LC_ALL: 'C' } },
      (error, stdout, stderr) =>
        resolve(
          error === null && stdout === expected ? null : `${error?.message ?? 'ended'}: ${stdout} ${stderr}`,
        ),
    );
  });
}
