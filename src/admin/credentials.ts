/**
 * Who may ask: the tokens that the config states, each with a name and a role, or the one that was made. Of each only
 * the digest is kept. A token that was sent is compared with all of them, whether one fits or not, so that the time it
 * takes says nothing.
 */
import { timingSafeEqual } from 'node:crypto';
import path from 'node:path';
import type { Role } from '../config/admin.ts';
import type { ReloadChange } from '../config/plan-reload.ts';
import type { Config } from '../config/schema.ts';
import { SetupError } from '../gateway/build-migration.ts';
import type { Prepared } from '../ports/prepared.ts';
import { digestOf, readStatedToken, takeToken } from './token.ts';

type AdminConfig = NonNullable<Config['admin']>;

/** Whoever has one of the tokens. */
export interface Holder {
  /** Null: of the one that was made, which may be anybody's. */
  readonly name: string | null;
  readonly role: Role;
}

interface Credential extends Holder {
  readonly digest: Buffer;
}

interface Known {
  /** The one that was made; null: tokens are stated. */
  readonly made: string | null;
  readonly all: readonly Credential[];
}

/** The tokens of one admin side, which a reload reads again. */
export class Credentials {
  readonly #folder: string;
  #known: Known;

  /**
   * @param folder where relative paths of the config start
   * @throws {SetupError} if a token can't be read
   */
  constructor(config: Pick<AdminConfig, 'tokens' | 'tokenFile'>, folder: string) {
    this.#folder = folder;
    this.#known = this.#read(config);
  }

  /** The one that was made; null: tokens are stated, and there is none. */
  get made(): string | null {
    return this.#known.made;
  }

  /** Whose token it is; null: nobody's. */
  find(sent: string): Holder | null {
    const digest = digestOf(sent);
    let found: Holder | null = null;
    for (const credential of this.#known.all) {
      const isSame = timingSafeEqual(credential.digest, digest);
      found = isSame ? credential : found;
    }
    return found && { name: found.name, role: found.role };
  }

  /**
   * Reads all of them again.
   * @returns the change, with those whose token is another one though the config says the same of it
   * @throws {SetupError} if one can't be read; nothing has changed then
   */
  prepare(next: Pick<AdminConfig, 'tokens' | 'tokenFile'>): Prepared & { readonly changes: ReloadChange[] } {
    const read = this.#read(next);
    const before = new Map(this.#known.all.map((credential) => [credential.name, credential]));
    const changed = read.all.filter(({ name, digest }) => before.get(name)?.digest.equals(digest) === false);
    return {
      changes: changed.map(({ name }) => {
        const key = name === null ? 'admin.tokenFile' : `admin.tokens.${name}`;
        return { key, sentence: `${key}: another token` };
      }),
      commit: () => {
        this.#known = read;
      },
      abandon() {},
    };
  }

  #read({ tokens, tokenFile }: Pick<AdminConfig, 'tokens' | 'tokenFile'>): Known {
    if (tokens.length === 0) {
      const made = takeToken(path.resolve(this.#folder, tokenFile));
      return { made, all: [{ name: null, role: 'admin', digest: digestOf(made) }] };
    }
    const all = tokens.map((stated) => ({
      name: stated.name,
      role: stated.role,
      digest: digestOf(tokenOf(stated, this.#folder)),
    }));
    for (const [at, { name, digest }] of all.entries()) {
      const other = all.slice(0, at).find((earlier) => earlier.digest.equals(digest));
      if (other !== undefined)
        throw new SetupError(`admin.tokens: ${name} has the same token as ${other.name}: make another one`);
    }
    return { made: null, all };
  }
}

/** The token that an entry of the config is about. @param folder where relative paths start @throws {SetupError} */
export function tokenOf({ name, env, file }: AdminConfig['tokens'][number], folder: string): string {
  try {
    return readStatedToken({ env, file: file === undefined ? undefined : path.resolve(folder, file) });
  } catch (error) {
    throw new SetupError(`admin.tokens.${name}: ${(error as Error).message}`, { cause: error });
  }
}
