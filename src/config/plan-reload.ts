/**
 * What a reload from one config to another changes, and what it can't change while the gate runs. Pure: it compares
 * two configs that are valid, key by key, and says each difference once.
 */
import { isDeepStrictEqual } from 'node:util';
import { hasSystemTables } from '../policy/types.ts';
import { nameOf as nameOfIdentity } from './identities.ts';
import { policyOf } from './policy.ts';
import type { Config } from './schema.ts';

/** One difference that a reload makes. */
export interface ReloadChange {
  /** As in the config, entries of lists by name: `servers.rs2.address`, `limits.sessions`. */
  readonly key: string;
  /** For people: `limits.sessions: 100 to 200`. */
  readonly sentence: string;
}

/** One difference that takes a restart, or a reason of another kind for which nothing was changed. */
export interface ReloadRefusal {
  /** Empty where no single key is to blame. */
  readonly key: string;
  /** For people, without the key. */
  readonly why: string;
}

export interface ReloadPlan {
  readonly changes: readonly ReloadChange[];
  /** Where there is one, none of the changes is made. */
  readonly refused: readonly ReloadRefusal[];
}

/** What a gate can change while it runs, with all below it. What is not named here takes a restart. */
const LIVE = [
  'listen',
  'servers',
  'policy',
  'catalogue',
  'limits',
  'timeouts',
  'sessions',
  'clients',
  'identities',
  'log.file',
  'log.durable',
  'log.rotate',
  'log.keep',
  'log.buffer',
  'log.trace',
  'log.properties',
  'migration.hold.deadline',
  'migration.hold.clients',
  'admin.tokens',
  'admin.tls.cert',
  'admin.tls.key',
];

/** What stands behind the reason for a restart, by the key that it begins with. */
const FIXED: readonly (readonly [key: string, why: string])[] = [
  ['id', 'claims, records and servers know the gate by it'],
  ['cluster', 'the ledger and other gates know the cluster by it'],
  ['reusePort', 'the sockets that are open were bound by it'],
  ['workers', 'sessions are of the processes that there are'],
  ['migration.ledger', 'what is known of the upgrade is from the ledger that was opened'],
  ['migration', 'an upgrade may be running by it'],
  ['log.format', 'the lines of one file have one form'],
  ['log.export', 'records may be on their way by it'],
  ['coordination', 'what the gate shares with others began with it'],
  ['admin', 'its listener is that of the start'],
];

const TOKENS = 'admin.tokens.';

interface Difference {
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What a reload from `from` to `to` does. Of a config to itself: nothing. */
export function planReload(from: Config, to: Config): ReloadPlan {
  const [before, after] = [named(from), named(to)];
  const differences = [...differencesOf('', before, after)];
  const isLive = ({ key }: Difference) => LIVE.some((live) => isBelow(key, live));
  return {
    changes: [
      ...differences.filter(isLive).map((found) => ({ key: found.key, sentence: sentenceOf(found) })),
      ...reordered(before, after),
    ],
    refused: [
      ...differences
        .filter((difference) => !isLive(difference))
        .map(({ key }) => ({ key, why: whyFixed(key) })),
      ...impossible(from, to),
    ],
  };
}

const isBelow = (key: string, above: string) => key === above || key.startsWith(`${above}.`);

function whyFixed(key: string): string {
  const because = FIXED.find(([fixed]) => isBelow(key, fixed))?.[1];
  return because === undefined ? 'takes a restart' : `takes a restart: ${because}`;
}

/** What single keys allow, and all of them together do not. */
function impossible(from: Config, to: Config): ReloadRefusal[] {
  const refused: ReloadRefusal[] = [];
  if (hasSystemTables(policyOf(from)) !== hasSystemTables(policyOf(to)))
    refused.push({
      key: 'policy',
      why: 'takes a restart: only one of the two has system tables, and a ledger',
    });
  if ((from.log.file === undefined) !== (to.log.file === undefined))
    refused.push({ key: 'log.file', why: 'takes a restart: only one of the two is a file' });
  return refused;
}

/** A config whose lists of things with names are objects by name. */
function named(config: Config): Named {
  const { catalogue, admin } = config;
  return {
    ...config,
    listen: byName(config.listen, ({ tcp, ws }) => (tcp === undefined ? `ws://${ws}` : `tcp://${tcp}`)),
    servers: byName(config.servers, ({ id }) => id),
    clients: { ...config.clients, tokens: byName(config.clients.tokens, ({ name }) => name) },
    identities: byName(config.identities, nameOfIdentity),
    ...(admin && { admin: { ...admin, tokens: byName(admin.tokens, ({ name }) => name) } }),
    ...(catalogue && {
      catalogue: { ...catalogue, releases: byName(catalogue.releases, ({ version }) => version) },
    }),
  };
}

type Named = Omit<Config, 'listen' | 'servers' | 'catalogue' | 'admin' | 'clients' | 'identities'> &
  Readonly<Record<'listen' | 'servers' | 'clients' | 'identities', object>>;

/** Listeners on port 0 may share a name: the second is `…#2`. */
function byName<T extends object>(list: readonly T[], nameOf: (entry: T) => string) {
  // Without a prototype, since a name may be `__proto__`.
  const entries: Record<string, T> = Object.create(null);
  for (const entry of list) {
    const name = nameOf(entry);
    let unique = name;
    for (let again = 2; Object.hasOwn(entries, unique); again++) unique = `${name}#${again}`;
    entries[unique] = entry;
  }
  return entries;
}

/** Leaves that differ; what is there on one side only is a leaf as a whole. */
function* differencesOf(key: string, from: unknown, to: unknown): Generator<Difference, void> {
  if (!isTree(from) || !isTree(to)) {
    if (!isDeepStrictEqual(from, to)) yield { key, from, to };
    return;
  }
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)]))
    yield* differencesOf(key === '' ? name : `${key}.${name}`, from[name], to[name]);
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists whose entries stay, and change places. */
function reordered(from: Named, to: Named): ReloadChange[] {
  return (['listen', 'servers', 'identities'] as const).flatMap((key) => {
    const [before, after] = [from[key], to[key]].map((entries) => Object.keys(entries)) as [
      string[],
      string[],
    ];
    const isSame = isDeepStrictEqual(
      before.filter((name) => after.includes(name)),
      after.filter((name) => before.includes(name)),
    );
    return isSame ? [] : [{ key, sentence: `${key}: in another order` }];
  });
}

function sentenceOf({ key, from, to }: Difference): string {
  if (from === undefined && isEntry(to)) return `${key}: added`;
  if (key.startsWith(TOKENS) && (from === undefined || to === undefined))
    return `${key}: ${from === undefined ? 'added' : 'removed'}`;
  if (to === undefined && isEntry(from)) return `${key}: removed; its sessions go on`;
  // How a version is learned may hold what is nobody's business, and so does the hash of a token.
  if (isTree(from) || isTree(to) || isHash(from) || isHash(to)) return `${key}: another one`;
  const unit = /^timeouts\.|^migration\.hold\.deadline$/.test(key) ? ' ms' : '';
  return `${key}: ${spell(from)}${unit} to ${spell(to)}${unit}`;
}

/** A listener, a server, a token or an identity as a whole. */
function isEntry(value: unknown): boolean {
  return isTree(value) && ENTRIES.some((key) => Object.hasOwn(value, key));
}

const ENTRIES = ['address', 'tcp', 'ws', 'hash', 'san', 'subject', 'fingerprint', 'token'];

const isHash = (value: unknown) => typeof value === 'string' && value.startsWith('sha256:');

function spell(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
