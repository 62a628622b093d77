/**
 * The release that a client of somebody else's protocol claims: read from what that protocol's own first messages
 * carry, by the rules of the listener. Which carriers there are is the protocol's; the order of the rules is the
 * config's. Pure.
 */
import type { ProtocolRange } from '../policy/types.ts';

/** Finds a release in a text: null where there is none. RE2, since the text is a stranger's. */
export type ClaimPattern = (text: string) => string | null;

/** One place to look for a claim. */
export interface ClaimRule {
  /** As the config spells it: `option`, `application_name`. */
  readonly carrier: string;
  /** Which of several things the carrier is: the whole value is then the claim. Null: it is one thing, and `pattern` finds the claim in it. */
  readonly name: string | null;
  readonly pattern: ClaimPattern | null;
}

/** What a client's release is taken to be, and why. */
export interface Claim {
  /** As the client wrote it; whether it is a version is checked by admission. */
  readonly version: string;
  /** `option skewgate.version`, `application_name`; `otherwise` and `assume` where the config says it. */
  readonly source: string;
}

/** What the carriers of a protocol take in the config: the name of one of several things, or a pattern. */
export type Carriers = Readonly<Record<string, 'name' | 'pattern'>>;

/** All that the config says of the releases of a listener's clients. */
export interface Claims {
  /** The first that finds something counts. */
  readonly rules: readonly ClaimRule[];
  /** Of a client in whose messages no rule finds anything; null: it is refused. */
  readonly fallback: Claim | null;
  /** Whether such clients may bring the upgrade of the system tables. */
  readonly upgrade: 'may' | 'must-not';
  /** With preset `ranges`: the protocol versions that they speak. */
  readonly protocol?: ProtocolRange;
}

/**
 * The claim that counts; null: there is none, and nothing stands in for it.
 * @param carried what the client's messages say there; undefined: nothing
 */
export function readClaim(
  { rules, fallback }: Pick<Claims, 'rules' | 'fallback'>,
  carried: (carrier: string, name: string | null) => string | undefined,
): Claim | null {
  for (const { carrier, name, pattern } of rules) {
    const text = carried(carrier, name)?.trim();
    if (!text) continue;
    const version = pattern === null ? text : pattern(text);
    if (version) return { version, source: sourceOf({ carrier, name }) };
  }
  return fallback;
}

/** Why a client without a claim is refused, and what it can do. */
export function claimMissing({ rules }: Pick<Claims, 'rules'>): {
  readonly kind: 'failed';
  readonly code: 'CLAIM_MISSING';
  readonly message: string;
} {
  const places = [...new Set(rules.map(sourceOf))].join(', ');
  const where = places === '' ? '' : `; it is read from: ${places}`;
  return { kind: 'failed', code: 'CLAIM_MISSING', message: `The client states no release${where}.` };
}

function sourceOf({ carrier, name }: Pick<ClaimRule, 'carrier' | 'name'>): string {
  return name === null ? carrier : `${carrier} ${name}`;
}
