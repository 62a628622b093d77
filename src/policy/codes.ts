/**
 * The stable codes of decisions, with everything that depends on the code alone, so that no module keeps a list
 * of codes of its own. Vendor codes and SQLStates are Phoenix's own (`SQLExceptionCode`), null where Phoenix has no
 * such outcome. Renaming a code or changing its numbers breaks programs that read refusals; new codes are appended,
 * since the position of a code is its WebSocket close code.
 */
/** What a refused client has to know before it tries again. Closed: a new word needs a new protocol revision. */
export type Retry =
  /** Nothing will make this same attempt succeed. */
  | 'never'
  /** The same client may simply come again. */
  | 'later'
  /** Once the change named in `move` was made. */
  | 'after-change';

interface CodeFacts {
  readonly vendorCode: number | null;
  readonly sqlState: string | null;
  readonly retry: Retry;
  /** What a client that is held with this code waits for; null: nobody is held with it. */
  readonly waitsFor: 'upgrade' | 'server' | 'operator' | null;
  /**
   * The reason on record where this verdict also ends sessions that are open; false: those go on. `skew`: they do where
   * the config says so (`sessions.onSkew`).
   */
  readonly endsSessions: 'lockstep' | 'downtime' | 'skew' | false;
  /** One line for the reference table. */
  readonly meaning: string;
}

const facts = (
  retry: Retry,
  meaning: string,
  others: Partial<Omit<CodeFacts, 'retry' | 'meaning'>> = {},
): CodeFacts => ({
  vendorCode: null,
  sqlState: null,
  waitsFor: null,
  endsSessions: false,
  ...others,
  retry,
  meaning,
});

export const CODES = {
  PERMITTED: facts('never', 'admitted'),
  UPGRADE_NEEDED: facts('later', 'admitted once the system tables are upgraded', { waitsFor: 'upgrade' }),
  SERVER_OUTDATED: facts('after-change', 'a server is older than the client', {
    vendorCode: 2007,
    sqlState: 'INT09',
    endsSessions: 'skew',
  }),
  CLIENT_OUTDATED: facts('after-change', 'the client is older than the window allows', {
    endsSessions: 'skew',
  }),
  MAJOR_MISMATCH: facts('after-change', "the client's major is older than a server's", {
    vendorCode: 2006,
    sqlState: 'INT08',
    endsSessions: 'skew',
  }),
  LOCKSTEP: facts('after-change', 'clients older than the system tables must be upgraded together', {
    endsSessions: 'lockstep',
  }),
  DOWNTIME_REQUIRED: facts('later', 'a major upgrade that needs downtime is running', {
    endsSessions: 'downtime',
  }),
  VERSION_UNKNOWN: facts('later', 'a server whose version is unknown cannot be shown to be upgraded'),
  SERVER_BEHIND_TABLES: facts('after-change', 'every server is older than the system tables'),
  UPGRADE_IN_PROGRESS: facts('later', 'the system tables are being upgraded', {
    vendorCode: 2010,
    sqlState: 'INT12',
    waitsFor: 'upgrade',
  }),
  UPGRADE_REQUIRED: facts('after-change', 'an upgrade is needed and may not start by itself', {
    vendorCode: 2011,
    sqlState: 'INT13',
  }),
  UPGRADE_BLOCKED: facts('after-change', 'an operator blocked upgrades', {
    vendorCode: 2017,
    sqlState: 'INT19',
  }),
  UPGRADE_FAILED: facts('later', 'the upgrade of the system tables failed'),
  NO_SERVER: facts('later', 'no server takes new sessions', { waitsFor: 'server' }),
  SERVER_UNREACHABLE: facts('later', 'no compatible server could be reached', { waitsFor: 'server' }),
  BAD_HANDSHAKE: facts('never', "the peer's bytes are not a handshake"),
  PROTOCOL_UNSUPPORTED: facts('never', 'no protocol revision in common'),
  HANDSHAKE_TIMEOUT: facts('later', 'the handshake took too long'),
  TOO_MANY_CONNECTIONS: facts('later', 'a limit on connections was reached'),
  DRAINING: facts('later', 'the gate, or this address of it, takes no clients any more'),
  PAUSED: facts('later', 'an operator paused admission', { waitsFor: 'operator' }),
  NOT_AUTHENTICATED: facts('after-change', 'the client did not prove who it is'),
  LEDGER_UNAVAILABLE: facts('later', 'the ledger of upgrades is out of reach'),
  CLIENT_LEFT: facts('later', 'the client left before a verdict could be given'),
  RELEASE_DRAINED: facts('after-change', 'an operator has clients of this release moved on'),
  KICKED: facts('later', 'an operator ended the session'),
  CLAIM_NOT_ALLOWED: facts('after-change', 'the client may not be of the release that it says it is'),
  SESSION_IDLE: facts('later', 'the session carried nothing for too long'),
  CLAIM_MISSING: facts('after-change', 'the client states no release where one is read'),
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof CODES;
/** A code as a reader gets it: one of a later gate may be unknown here, and is then judged by verdict and retry. */
export type OpenCode = Code | (string & {});
/** Every code, in the order of the reference table, which is that of WebSocket close codes. */
export const CODE_NAMES = Object.keys(CODES) as readonly Code[];
