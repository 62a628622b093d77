/**
 * The fleet that a decision log tells of, as it was at the last record: servers, open sessions, the clients of the last
 * hour, and how the upgrade stood. A log may begin in the middle, and anybody may write a line: what is not said stays
 * unknown.
 */

import type { FleetFacts, FleetGate, FleetServer, FleetSession, SeenClient } from '../../planning/facts.ts';
import { FREE_UPGRADE } from '../../planning/supposed.ts';
import { CODE_NAMES, type Code } from '../../policy/codes.ts';
import { type Policy, type UpgradeState, VERDICTS, type Verdict } from '../../policy/types.ts';
import { tryParseVersion } from '../../version/version.ts';
import { type Entry, numberIn, objectIn, textIn } from './entry.ts';
import { LogOrders } from './orders.ts';

const HOUR = 3_600_000;
/** Clients of the last hour that are kept, the latest ones. */
const MOST_SEEN = 5_000;

/** Takes records in the order of time. */
export class LogFleet {
  #now = 0;
  #level: number | null = null;
  #state: UpgradeState = { state: 'idle' };
  readonly #servers = new Map<string, FleetServer>();
  /** By id; with the gate that has it, since a gate that starts again has none. */
  readonly #sessions = new Map<string, { readonly gate: string; readonly session: FleetSession }>();
  /** Who came last is last. */
  readonly #seen = new Map<string, SeenClient>();
  readonly #gates = new Map<string, FleetGate>();
  readonly #orders = new LogOrders();

  add(entry: Entry): void {
    this.#now = Math.max(this.#now, entry.at);
    this.#noteGate(entry);
    if (entry.event === 'handshake') this.#noteHandshake(entry);
    if (entry.event === 'session-end') this.#sessions.delete(textIn(entry, 'session') ?? '');
    if (entry.event === 'server') this.#noteServer(entry);
    if (entry.event === 'gate') this.#noteLife(entry);
    if (entry.event === 'migration') this.#noteUpgrade(entry);
    if (entry.event === 'operator') this.#orders.add(entry);
  }

  /** The fleet at the last record, judged by `policy`. */
  facts(policy: Policy, policyHash: string): FleetFacts {
    const perServer = Map.groupBy(this.#sessions.values(), ({ session }) => session.server);
    const servers = Array.from(this.#servers.values(), (server) => ({
      ...server,
      sessions: perServer.get(server.id)?.length ?? 0,
    }));
    return {
      now: this.#now,
      policy,
      policyHash,
      servers,
      level: this.#level,
      upgrade: { ...FREE_UPGRADE, state: this.#state },
      sessions: Array.from(this.#sessions.values(), ({ session }) => this.#withDrain(session)),
      seen: [...this.#seen.values()]
        .filter(({ lastAt }) => lastAt >= this.#now - HOUR)
        .map((one) => this.#withDrain(one)),
      gates: [...this.#gates.values()],
      orders: this.#orders.standing,
    };
  }

  #withDrain<Client extends FleetSession | SeenClient>(client: Client): Client {
    return this.#orders.isDrained(client.client, this.#now) ? { ...client, drained: true } : client;
  }

  #noteGate(entry: Entry): void {
    const id = textIn(entry, 'gate');
    const policyHash = textIn(entry, 'policyHash');
    if (id === null || policyHash === null) return;
    const isSelf = this.#gates.size === 0 || this.#gates.get(id)?.isSelf === true;
    // What a log does not tell of gates counts as equal.
    this.#gates.set(id, { id, isSelf, program: '', policyHash, catalogueHash: '', lastSeenAt: entry.at });
  }

  /** A gate that starts has no sessions, and neither has one that stopped. */
  #noteLife(entry: Entry): void {
    const what = textIn(entry, 'what');
    const gate = textIn(entry, 'gate');
    if (gate === null || (what !== 'started' && what !== 'stopped')) return;
    this.#orders.forget(gate);
    for (const [id, session] of this.#sessions) if (session.gate === gate) this.#sessions.delete(id);
    if (what === 'stopped') this.#gates.delete(gate);
  }

  #noteServer(entry: Entry): void {
    const id = textIn(entry, 'server');
    const state = textIn(entry, 'state');
    if (id === null || (state !== 'up' && state !== 'draining' && state !== 'down')) return;
    const version = tryParseVersion(textIn(entry, 'version') ?? '');
    const level = numberIn(entry, 'level');
    this.#servers.set(id, { id, state, version, level, lastError: textIn(entry, 'lastError'), sessions: 0 });
    if (level !== null) this.#level = level;
  }

  #noteHandshake(entry: Entry): void {
    const observed = objectIn(entry, 'observed');
    this.#level = (observed && numberIn(observed, 'level')) ?? this.#level;
    const client = textIn(entry, 'client');
    const peer = textIn(entry, 'peer');
    if (client === null || peer === null || tryParseVersion(client) === null) return;
    const about = { client, driver: textIn(entry, 'driver') ?? '', properties: propertiesIn(entry) };
    this.#noteSeen(about, peer.replace(/:\d+$/, ''), entry);
    const id = textIn(entry, 'session');
    const server = textIn(entry, 'server');
    if (id === null || server === null) return;
    this.#noteServing(server, textIn(entry, 'serverVersion'));
    const listener = textIn(entry, 'listener') ?? '';
    const session = { ...about, session: id, peer, listener, server, startedAt: entry.at };
    this.#sessions.set(id, { gate: textIn(entry, 'gate') ?? '', session });
  }

  /** Of a server of which no record is left but that it served somebody. */
  #noteServing(id: string, text: string | null): void {
    if (this.#servers.has(id)) return;
    const version = tryParseVersion(text ?? '');
    this.#servers.set(id, { id, state: 'up', version, level: null, lastError: null, sessions: 0 });
  }

  #noteSeen(
    about: Pick<SeenClient, 'client' | 'driver' | 'properties'>,
    host: string,
    { at, ...entry }: Entry,
  ): void {
    const verdict = VERDICTS.find((one) => one === textIn(entry, 'verdict')) ?? ('refuse' satisfies Verdict);
    const code = CODE_NAMES.find((one) => one === textIn(entry, 'code')) ?? ('CLIENT_LEFT' satisfies Code);
    const key = JSON.stringify([about, host]);
    const { firstAt = at, count = 0 } = this.#seen.get(key) ?? {};
    this.#seen.delete(key);
    this.#seen.set(key, { ...about, host, firstAt, lastAt: at, count: count + 1, verdict, code });
    if (this.#seen.size > MOST_SEEN) this.#seen.delete(this.#seen.keys().next().value as string);
  }

  #noteUpgrade(entry: Entry): void {
    const what = textIn(entry, 'what');
    const toLevel = numberIn(entry, 'toLevel');
    if (what === 'done' || what === 'level-observed') this.#level = toLevel ?? this.#level;
    if (what === null || !Object.hasOwn(STATES, what)) return;
    this.#state = STATES[what as keyof typeof STATES](entry);
  }
}

/** How the upgrade stands after a record; others say nothing of that. */
const STATES = {
  started: (): UpgradeState => ({ state: 'running', downtime: false }),
  done: (): UpgradeState => ({ state: 'idle' }),
  'not-needed': (): UpgradeState => ({ state: 'idle' }),
  released: (): UpgradeState => ({ state: 'idle' }),
  lost: (): UpgradeState => ({ state: 'idle' }),
  failed: (entry: Entry): UpgradeState => ({
    state: 'failed',
    error: textIn(entry, 'error') ?? 'unknown',
    retryAt: timeIn(entry, 'retryAt'),
  }),
  'given-up': (entry: Entry): UpgradeState => ({
    state: 'failed',
    error: textIn(entry, 'error') ?? 'too many attempts failed',
    retryAt: null,
  }),
  'ledger-unavailable': (entry: Entry): UpgradeState => ({
    state: 'unavailable',
    why: textIn(entry, 'error') ?? 'unknown',
  }),
  'ledger-available': (): UpgradeState => ({ state: 'idle' }),
};

function timeIn(entry: Entry, key: string): number | null {
  const at = Date.parse(textIn(entry, key) ?? '');
  return Number.isNaN(at) ? null : at;
}

function propertiesIn(entry: Entry): Record<string, string> {
  const fields = objectIn(entry, 'properties')?.fields ?? {};
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}
