/** A gate with its admin side, on free ports: `await using gate = await startWithAdmin({ servers: [{ version: '4.14.0' }] })`. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Admin, startAdmin } from '../../src/admin/admin.ts';
import { Recent } from '../../src/admin/recent.ts';
import { ROLES, type Role } from '../../src/config/admin.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { type ConfigInput, type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects of the body.
  readonly body: any;
}

/** A gate whose API can be asked. */
export class AdministeredGate implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly admin: Admin;
  readonly token: string;
  readonly recent: Recent;
  readonly metrics: Metrics;

  constructor(
    fleet: Fleet,
    admin: Admin,
    { recent, metrics }: { recent: Recent; metrics: Metrics },
    token: string,
  ) {
    this.fleet = fleet;
    this.admin = admin;
    this.recent = recent;
    this.metrics = metrics;
    this.token = token;
  }

  get(path: string, init: RequestInit = {}): Promise<Answer> {
    return ask(this.admin.address + path, init);
  }

  /** With the token, unless `headers` says otherwise. */
  post(path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(this.admin.address + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.token}`,
        ...headers,
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.metrics.close();
    await this.admin.close();
    await this.fleet[Symbol.asyncDispose]();
  }
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  const isJson = /\bjson\b/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

/** A token for each role, which is its name, as `startWithRoles` states them. */
export const TOKENS = {
  viewer: 'viewer-0123456789abcdefghij',
  operator: 'operator-0123456789abcdefghij',
  admin: 'admin-0123456789abcdefghij',
} as const satisfies Record<Role, string>;

/** Writes a token as a config wants it. */
export function writeToken(file: string, token: string): void {
  writeFileSync(file, `${token}\n`);
  chmodSync(file, 0o600);
}

/** The same as `startWithAdmin`, of a config that states `TOKENS`; the gate's own `token` is that of the role admin. */
export function startWithRoles(options: AdminFleetOptions = {}): Promise<AdministeredGate> {
  const folder = options.folder ?? tempFolder();
  const tokens = ROLES.map((role) => ({ name: role, role, file: `by-${role}.token` }));
  for (const role of ROLES) writeToken(path.join(folder, `by-${role}.token`), TOKENS[role]);
  return startWithAdmin({ ...options, folder, admin: { tokens, ...options.admin } });
}

export interface AdminFleetOptions extends Omit<FleetOptions, 'admin'> {
  readonly listenAdmin?: string;
  readonly hosts?: string[];
  /** More of the config's `admin`. */
  readonly admin?: Partial<NonNullable<ConfigInput['admin']>>;
}

/** Starts both. Without `start: false` the gate listens. */
export async function startWithAdmin(
  options: AdminFleetOptions = {},
  more: { start?: boolean } = {},
): Promise<AdministeredGate> {
  const { listenAdmin = '127.0.0.1:0', hosts = [], admin: stated = {}, ...rest } = options;
  const folder = options.folder ?? tempFolder();
  const servers = options.servers ?? [{ version: '4.14.0' }];
  const recent = new Recent(realEnvironment.clock);
  const config = { ...rest, servers, folder, admin: { listen: listenAdmin, hosts, ...stated } };
  const { clock } = realEnvironment;
  const metrics = createMetrics({ clock, program: '0.0.0' });
  const { sink, observeStore } = metrics;
  const fleet = await startFleet(realEnvironment, config, { ...more, sinks: [sink, recent], observeStore });
  metrics.attach(fleet.built);
  const { admin } = fleet.built.config;
  if (admin === undefined) throw new Error('the config has no admin side');
  const about = { clock, startedAt: clock.now(), program: '0.0.0' };
  const shown = { config: () => fleet.built.config, coordination: null, recent, metrics };
  const context = { ...fleet.built, ...shown, ...about };
  const started = await startAdmin(context, admin, folder);
  const made = path.join(folder, 'admin.token');
  const token = existsSync(made) ? readFileSync(made, 'utf8').trim() : TOKENS.admin;
  return new AdministeredGate(fleet, started, { recent, metrics }, token);
}
