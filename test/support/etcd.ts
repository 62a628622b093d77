/**
 * A real etcd on free loopback ports, with its data in a temporary folder: `await using etcd = await startEtcd(3)`.
 * Members can be killed, stopped in their tracks and started again. Elections and leases are as short as etcd lets
 * them be: half a second, and one second.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';

/** Why tests with etcd can't run here; null: they can. */
export const NO_ETCD: string | null =
  spawnSync('etcd', ['--version']).status === 0
    ? null
    : 'there is no program etcd (Debian: apt-get install etcd-server)';
if (NO_ETCD !== null) console.log(`skipped: ${NO_ETCD}`);

/** So that a member ends with the process that started it, however that ends. */
const LEASH = spawnSync('setpriv', ['--version']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL'] : [];

const DEADLINE = 15_000;

export class EtcdMember {
  readonly name: string;
  /** `HOST:PORT` for clients. */
  readonly host: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(name: string, host: string, args: readonly string[]) {
    this.name = name;
    this.host = host;
    this.#args = args;
  }

  /** Resolves once it serves requests, which takes a majority of the members. */
  async start(): Promise<void> {
    const [program, ...args] = [...LEASH, 'etcd', ...this.#args] as [string, ...string[]];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said = `${said}${chunk}`.slice(-20_000);
      if (said.includes('serving client traffic')) ready.resolve();
    });
    this.#exited = new Promise((resolve) => child.once('close', resolve));
    const refuse = (why: string) => ready.reject(new Error(`etcd ${this.name} ${why}:\n${said}`));
    child.once('error', (error) => refuse(error.message));
    void this.#exited.then(() => refuse('ended'));
    const late = setTimeout(() => refuse(`did not serve within ${DEADLINE / 1_000} s`), DEADLINE);
    await ready.promise.finally(() => clearTimeout(late));
  }

  /** SIGKILL: it says goodbye to nobody. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Stops it in its tracks: connections stay open, and nothing answers. Resolves once all its threads stand still. */
  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    for (const late = AbortSignal.timeout(DEADLINE); !this.#standsStill(); await turn())
      if (late.aborted) throw new Error(`etcd ${this.name} does not stop`);
  }

  #standsStill(): boolean {
    const tasks = `/proc/${this.#child?.pid}/task`;
    return readdirSync(tasks).every((task) =>
      /^\d+ \(.*\) T/.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')),
    );
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Killed, and started on the same ports with nothing in it. */
  async wipe(): Promise<void> {
    await this.kill();
    const folder = this.#args.find((arg) => arg.startsWith('--data-dir='))?.slice('--data-dir='.length);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    await this.start();
  }

  /** On the same data and ports. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** `etcd`'s own id, and the id of who leads in its eyes. @throws if it does not answer. */
  async status(): Promise<{ readonly id: string; readonly leader: string }> {
    const response = await fetch(`http://${this.host}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(2_000),
    });
    const { header, leader } = (await response.json()) as { header: { member_id: string }; leader: string };
    return { id: header.member_id, leader };
  }
}

export class Etcd implements AsyncDisposable {
  readonly members: readonly EtcdMember[];
  readonly #folder: string;

  constructor(members: readonly EtcdMember[], folder: string) {
    this.members = members;
    this.#folder = folder;
  }

  get hosts(): string[] {
    return this.members.map(({ host }) => host);
  }

  /** As a config names it. */
  get url(): string {
    return `etcd://${this.hosts.join(',')}`;
  }

  member(at: number): EtcdMember {
    const member = this.members[at];
    if (member === undefined) throw new Error(`there is no member ${at}`);
    return member;
  }

  /** The member that leads. */
  async leader(): Promise<EtcdMember> {
    const seen = await Promise.all(this.members.map((member) => member.status()));
    return this.member(seen.findIndex(({ id, leader }) => id === leader));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @param count of members. @param more of etcd's settings */
export async function startEtcd(count = 1, more: Record<string, string> = {}): Promise<Etcd> {
  const folder = mkdtempSync(path.join(tmpdir(), 'skewgate-etcd-'));
  const ports = await freePorts(2 * count);
  const peers = Array.from({ length: count }, (_, at) => `http://127.0.0.1:${ports[count + at]}`);
  const cluster = peers.map((peer, at) => `m${at}=${peer}`).join(',');
  const members = peers.map((peer, at) => {
    const host = `127.0.0.1:${ports[at]}`;
    const settings: Record<string, string> = {
      name: `m${at}`,
      'data-dir': path.join(folder, `m${at}`),
      'listen-client-urls': `http://${host}`,
      'advertise-client-urls': `http://${host}`,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': cluster,
      'initial-cluster-token': path.basename(folder),
      'heartbeat-interval': '50',
      'election-timeout': '500',
      logger: 'zap',
      'log-outputs': 'stderr',
      ...more,
    };
    return new EtcdMember(
      `m${at}`,
      host,
      Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
    );
  });
  const etcd = new Etcd(members, folder);
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await etcd[Symbol.asyncDispose]();
    throw error;
  }
  return etcd;
}

/** One member for all tests of a file; call it outside tests. Absent etcd: nothing is started. */
export function sharedEtcd(): () => Etcd {
  let etcd: Etcd | null = null;
  beforeAll(async () => {
    if (NO_ETCD === null) etcd = await startEtcd();
  });
  afterAll(() => etcd?.[Symbol.asyncDispose]());
  return () => {
    if (etcd === null) throw new Error('etcd is not running');
    return etcd;
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
