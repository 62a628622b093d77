/** Fleets from short text: `fleet({ servers: ['4.15.0', '4.14.1 down'], level: 28, sessions: { '4.12.0': 14 } })`. */
import type {
  FleetFacts,
  FleetGate,
  FleetSession,
  SeenClient,
  UpgradeFacts,
} from '../../src/planning/facts.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import type { Policy } from '../../src/policy/types.ts';
import { server } from '../support/facts.ts';

export const NOW = Date.UTC(2026, 10, 25, 12);

/** Nothing is known to be in the way of an upgrade. */
export const UPGRADE: UpgradeFacts = {
  state: { state: 'idle' },
  holder: null,
  leaseAlive: false,
  token: null,
  attempt: null,
  approval: { needed: false, given: false },
  block: null,
  failure: null,
};

interface Fleet {
  /** As `server` of the support for policy takes them; called rs1, rs2 and so on. */
  readonly servers: readonly string[];
  readonly level?: number;
  readonly reached?: number;
  readonly policy?: Policy;
  readonly upgrade?: Partial<UpgradeFacts>;
  /** How many sessions of each version; or of each `VERSION NAME HOST`. */
  readonly sessions?: Readonly<Record<string, number>>;
  /** Clients of the last hour, written alike. */
  readonly seen?: readonly string[];
  readonly gates?: readonly FleetGate[];
}

/** The facts of a fleet. */
export function fleet({ servers, level, reached, policy = PRESETS.phoenix, ...more }: Fleet): FleetFacts {
  return {
    now: NOW,
    policy,
    policyHash: 'a1b2c3d4e5f6',
    servers: servers.map((text, at) => ({
      ...server(`rs${at + 1}`, text),
      level: null,
      lastError: text.endsWith(' down') ? 'connect ECONNREFUSED' : null,
      sessions: 0,
    })),
    level: level ?? null,
    reached,
    upgrade: { ...UPGRADE, ...more.upgrade },
    sessions: Object.entries(more.sessions ?? {}).flatMap(([text, count]) =>
      Array.from({ length: count }, (_, at) => session(text, at)),
    ),
    seen: (more.seen ?? []).map(seenClient),
    gates: more.gates ?? [],
  };
}

function clientOf(text: string) {
  const [client = '', name, host = '10.0.3.7'] = text.split(' ');
  return { client, driver: 'driver/1', properties: name === undefined ? {} : { name }, host };
}

function session(text: string, at: number): FleetSession {
  const { host, ...client } = clientOf(text);
  return {
    ...client,
    session: `${client.client}-${at}`,
    peer: `${host}:${40_000 + at}`,
    listener: 'tcp://127.0.0.1:8700',
    server: 'rs1',
    startedAt: NOW - 60_000,
  };
}

function seenClient(text: string): SeenClient {
  return {
    ...clientOf(text),
    firstAt: NOW - 600_000,
    lastAt: NOW - 300_000,
    count: 1,
    verdict: 'permit',
    code: 'PERMITTED',
  };
}

/** A gate that agrees with all others, unless said otherwise. */
export function gate(id: string, more: Partial<FleetGate> = {}): FleetGate {
  return {
    id,
    isSelf: false,
    program: '0.1.0',
    policyHash: 'a1b2c3d4e5f6',
    catalogueHash: 'c1',
    lastSeenAt: NOW,
    ...more,
  };
}
