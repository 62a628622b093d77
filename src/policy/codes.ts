/**
 * The stable codes of decisions. Vendor codes and SQLStates are Phoenix's own (`SQLExceptionCode`), null where
 * Phoenix has no such outcome. Renaming a code or changing its numbers breaks programs that read refusals.
 */
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
  /** One line for the reference table. */
  readonly meaning: string;
}

const facts = (
  retry: Retry,
  meaning: string,
  vendorCode: number | null = null,
  sqlState: string | null = null,
): CodeFacts => ({ vendorCode, sqlState, retry, meaning });

export const CODES = {
  PERMITTED: facts('never', 'admitted'),
  UPGRADE_NEEDED: facts('later', 'admitted once the system tables are upgraded'),
  SERVER_OUTDATED: facts('after-change', 'a server is older than the client', 2007, 'INT09'),
  CLIENT_OUTDATED: facts('after-change', 'the client is older than the window allows'),
  MAJOR_MISMATCH: facts('after-change', "the client's major is older than a server's", 2006, 'INT08'),
  LOCKSTEP: facts('after-change', 'clients older than the system tables must be upgraded together'),
  DOWNTIME_REQUIRED: facts('later', 'a major upgrade that needs downtime is running'),
  VERSION_UNKNOWN: facts('later', 'a server whose version is unknown cannot be shown to be upgraded'),
  SERVER_BEHIND_TABLES: facts('after-change', 'every server is older than the system tables'),
  UPGRADE_IN_PROGRESS: facts('later', 'the system tables are being upgraded', 2010, 'INT12'),
  UPGRADE_REQUIRED: facts('after-change', 'an upgrade is needed and may not start by itself', 2011, 'INT13'),
  UPGRADE_BLOCKED: facts('after-change', 'an operator blocked upgrades', 2017, 'INT19'),
  UPGRADE_FAILED: facts('later', 'the upgrade of the system tables failed'),
  NO_SERVER: facts('later', 'no server takes new sessions'),
  SERVER_UNREACHABLE: facts('later', 'no compatible server could be reached'),
  BAD_HANDSHAKE: facts('never', "the peer's bytes are not a handshake"),
  PROTOCOL_UNSUPPORTED: facts('never', 'no protocol revision in common'),
  HANDSHAKE_TIMEOUT: facts('later', 'the handshake took too long'),
  TOO_MANY_CONNECTIONS: facts('later', 'a limit on connections was reached'),
  DRAINING: facts('later', 'the gate is shutting down'),
  PAUSED: facts('later', 'an operator paused admission'),
  NOT_AUTHENTICATED: facts('after-change', 'the client did not prove who it is'),
  LEDGER_UNAVAILABLE: facts('later', 'the ledger of upgrades is out of reach'),
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof CODES;
export const CODE_NAMES = Object.keys(CODES) as readonly Code[];
