/** What is known of one server, and how old that is. */
import type { BackEnd, ServerIdentity } from '../backend/back-end.ts';
import type { ProtocolRange, ServerFacts } from '../policy/types.ts';
import { printVersion } from '../version/version.ts';

/** A server as the config states it. */
export interface ServerEntry {
  readonly id: string;
  /** With scheme: `tcp://…`, `ws://…`. */
  readonly address: string;
  /** How it is identified and handed sessions. */
  readonly backEnd: BackEnd;
  readonly protocol?: ProtocolRange;
  /** Connections that are kept greeted ahead of need; default: none. */
  readonly warm?: number;
}

/** What is known of a server now; it changes as more becomes known. */
export interface ServerStatus extends ServerFacts {
  readonly address: string;
  readonly level: number | null;
  /** The ledgers whose gates asked it for a step, as it said last. */
  readonly ledgers: ServerIdentity['ledgers'];
  readonly sessions: number;
  /** Why it is down, or why this gate could not ask it; otherwise null. */
  readonly lastError: string | null;
}

/** The same, with what the cluster needs to know when to ask again. */
export type ServerState = {
  -readonly [Key in keyof ServerStatus]: ServerStatus[Key];
} & {
  entry: ServerEntry;
  /** How it is by its own word; `state` is that unless an operator drains it. */
  said: ServerFacts['state'];
  /** When its last answer, or failure to answer, was seen; -Infinity before the first. */
  seenAt: number;
  /** When the question was asked whose answer is known: what is known is as old as that. */
  knownAt: number;
  probing: Promise<void> | null;
  /** When that probe began. */
  askedAt: number;
};

/** What a question to a server gave. */
export type Observation = Partial<
  Pick<ServerState, 'version' | 'state' | 'level' | 'ledgers' | 'lastError'>
> & {
  readonly protocol?: ProtocolRange | undefined;
};

/** A server that nobody asked yet. */
export function unknownServer(entry: ServerEntry): ServerState {
  return {
    entry,
    id: entry.id,
    address: entry.address,
    version: null,
    state: 'down',
    said: 'down',
    level: null,
    ledgers: [],
    sessions: 0,
    lastError: 'not asked yet',
    seenAt: Number.NEGATIVE_INFINITY,
    knownAt: Number.NEGATIVE_INFINITY,
    probing: null,
    askedAt: Number.NEGATIVE_INFINITY,
    ...(entry.protocol && { protocol: entry.protocol }),
  };
}

/** How a server counts that an operator drains, or not: one that is up gets no sessions all the same. */
export function countedState({ said }: ServerState, isDrained: boolean): ServerFacts['state'] {
  return said === 'up' && isDrained ? 'draining' : said;
}

/** What compatibility is judged by, for people and to compare. */
export function spell({ version, protocol }: Observation): string {
  const range = protocol ? ` (protocol ${protocol.min} to ${protocol.max})` : '';
  return `${version ? printVersion(version) : 'nothing'}${range}`;
}
