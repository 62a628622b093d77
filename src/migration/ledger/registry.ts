/** The kinds of ledgers there are, and addresses read by them. A new kind is a file of its own, and a line here. */
import { ETCD } from './etcd.ts';
import type { LedgerKind, LedgerPlace, OpenContext } from './kind.ts';
import { MEMORY } from './memory.ts';
import { SQLITE } from './sqlite.ts';
import type { Store } from './store.ts';

const KINDS: readonly LedgerKind[] = [MEMORY, SQLITE, ETCD];

/** How addresses of ledgers are spelt, for people. @param quote stands around each spelling. */
export function ledgerUsage(quote = ''): string {
  const usages = KINDS.map(({ usage }) => `${quote}${usage}${quote}`);
  return `${usages.slice(0, -1).join(', ')} or ${usages.at(-1)}`;
}

/** A regular expression that takes every ledger's address, for editors; it takes a little more. */
export function ledgerPattern(): string {
  return `^(${KINDS.map(({ scheme }) => scheme).join('|')}):`;
}

/** A ledger's address, taken apart. */
export interface LedgerAddress extends LedgerPlace {
  readonly kind: LedgerKind;
  /** What follows the scheme and its colon. */
  readonly rest: string;
}

/** @throws {Error} saying what is wrong. */
export function parseLedgerAddress(text: string): LedgerAddress {
  const kind = KINDS.find(({ scheme }) => text.startsWith(`${scheme}:`));
  if (kind === undefined) throw new Error(`${JSON.stringify(text)} is not a ledger: ${ledgerUsage()}`);
  const rest = text.slice(kind.scheme.length + 1);
  return { kind, rest, ...kind.parse(rest) };
}

/** The store that a ledger's address names. @throws {Error} if `address` is none. */
export function openStore(address: string, context: OpenContext): Store {
  const { kind, rest } = parseLedgerAddress(address);
  return kind.open(rest, context);
}
