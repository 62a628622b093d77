/** What policy is asked, built from short text: `cluster(['4.14.0', '4.15.1'])`, `client('4.13.2')`. */
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import type {
  ClientFacts,
  ClusterFacts,
  Decision,
  Policy,
  ServerFacts,
  UpgradeState,
} from '../../src/policy/types.ts';
import { parseVersion } from '../../src/version/version.ts';

export function client(version: string, more: Partial<Omit<ClientFacts, 'version'>> = {}): ClientFacts {
  return { version: parseVersion(version), upgrade: 'may', ...more };
}

/** `4.14.0`, `4.14.0 down`, `unknown`, `unknown going`: a version or `unknown`, and the state if it is not up. */
export function server(id: string, text: string): ServerFacts {
  const [version, state = 'up'] = text.split(' ') as [string, ServerFacts['state']?];
  return { id, version: version === 'unknown' ? null : parseVersion(version), state };
}

/** Servers are called s1, s2 and so on. */
export function cluster(
  servers: readonly string[],
  more: { readonly level?: number; readonly reached?: number; readonly upgrade?: UpgradeState } = {},
): ClusterFacts {
  return {
    servers: servers.map((text, at) => server(`s${at + 1}`, text)),
    level: more.level ?? null,
    reached: more.reached ?? null,
    upgrade: more.upgrade ?? { state: 'idle' },
  };
}

interface Situation {
  readonly level?: number;
  readonly reached?: number;
  readonly upgrade?: UpgradeState;
  readonly policy?: Policy;
  readonly mustNot?: boolean;
  readonly now?: number;
}

/** The decision for one client version and a set of servers; preset `phoenix` unless said otherwise. */
export function judged(version: string, servers: readonly string[], about: Situation = {}): Decision {
  const { policy = PRESETS.phoenix, mustNot = false, now = 0, ...more } = about;
  const asked = client(version, { upgrade: mustNot ? 'must-not' : 'may' });
  return decide(asked, cluster(servers, more), policy, now);
}
