/**
 * What servers that share tables remember of the claims they were asked under, and which claim they take: the protocol's
 * rules of fencing tokens. Pure.
 */

/** A ledger that servers were asked for a step by, refused or not, and the highest token it showed them. */
export interface AskingLedger {
  readonly id: string;
  readonly token: number;
}

/** What is remembered together with the tables. */
export interface Fence {
  /** The highest token seen; 0 for none. */
  readonly token: number;
  /** The first one is whose `token` is, if its own token is the same; the others follow, the last to ask first. */
  readonly ledgers: readonly AskingLedger[];
}

/** How many ledgers are remembered: one is right, two are a mistake. */
const MAX_LEDGERS = 8;

/** Somebody began a step under a higher token: whoever holds this one has lost its claim. */
export class StaleToken extends Error {
  override readonly name = 'StaleToken';
  constructor(token: number, seen: number) {
    super(`token ${token} is stale: token ${seen} was seen`);
  }
}

/** Another ledger gave the same token, and asked first. */
export class ForeignToken extends Error {
  override readonly name = 'ForeignToken';
  constructor(token: number, ledger: string) {
    super(
      `token ${token} was seen before, from another ledger (${ledger}): two ledgers upgrade the same cluster`,
    );
  }
}

/**
 * Asks to begin or to complete a step under `token`.
 * @param ledger whose token it is; null: a gate that does not say. A token is then told apart from none that is equal.
 * @returns what to remember from now on, also of a claim that is refused, and why it is; null: it is taken
 */
export function ask(
  fence: Fence,
  token: number,
  ledger: string | null,
): { readonly fence: Fence; readonly refusal: StaleToken | ForeignToken | null } {
  const [first] = fence.ledgers;
  const holder = first?.token === fence.token ? first : undefined;
  const refusal = refusalOf(fence.token, holder, token, ledger);
  if (ledger === null) return { fence: { ...fence, token: Math.max(fence.token, token) }, refusal };
  const before = fence.ledgers.find(({ id }) => id === ledger);
  const asking = { id: ledger, token: Math.max(token, before?.token ?? 0) };
  const others = fence.ledgers.filter(({ id }) => id !== ledger);
  const keepsPlace = refusal !== null && first !== undefined && first.id !== ledger;
  const ledgers = keepsPlace ? [first, asking, ...others.slice(1)] : [asking, ...others];
  return {
    fence: { token: Math.max(fence.token, token), ledgers: ledgers.slice(0, MAX_LEDGERS) },
    refusal,
  };
}

function refusalOf(seen: number, holder: AskingLedger | undefined, token: number, ledger: string | null) {
  if (token < seen) return new StaleToken(token, seen);
  if (token > seen || holder === undefined || ledger === null || holder.id === ledger) return null;
  return new ForeignToken(token, holder.id);
}
