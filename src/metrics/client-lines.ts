/**
 * The release line of a client, as a label: bounded by the catalogue, whatever clients claim. Each version that comes is
 * parsed once; what is remembered is bounded too.
 */
import type { Policy } from '../policy/types.ts';
import { type Catalogue, linesOf } from '../version/catalogue.ts';
import { printMinor, tryParseVersion } from '../version/version.ts';

/** Of a client whose line the catalogue does not have. */
const OTHER = 'other';
/** Of a client that no version is known of. */
const NONE = 'none';
/** Versions whose line is remembered; clients may make up any number of them. */
const REMEMBERED = 1_000;

/** Names the lines of clients under one policy after the other. */
export class ClientLines {
  #catalogue: Catalogue | null = null;
  #lines: ReadonlySet<string> = new Set();
  readonly #known = new Map<string, string>();

  /** @param client its version; null: none was read */
  lineOf(client: string | null, policy: Policy): string {
    if (client === null) return NONE;
    this.#follow(policy.kind === 'skew' ? policy.catalogue : null);
    const known = this.#known.get(client);
    if (known !== undefined) return known;
    const line = this.#find(client);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(client, line);
    return line;
  }

  #follow(catalogue: Catalogue | null): void {
    if (catalogue === this.#catalogue) return;
    this.#catalogue = catalogue;
    this.#lines = new Set(catalogue === null ? [] : linesOf(catalogue).map(printMinor));
    this.#known.clear();
  }

  #find(client: string): string {
    const version = tryParseVersion(client);
    const line = version && printMinor(version);
    return line !== null && this.#lines.has(line) ? line : OTHER;
  }
}
