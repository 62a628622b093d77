/**
 * Who a client is: judged by what it presents, before policy is asked about it and before any server hears of it. A client
 * learns what is missing, or that what it presented is not known; never why.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type CertificateNames,
  type CertificatePattern,
  compileFingerprint,
  compileSan,
  compileSubject,
} from '../config/certificate-pattern.ts';
import { type ClientRange, parseClientRange } from '../config/client-range.ts';
import { type IdentityEntry, nameOf } from '../config/identities.ts';
import type { Config } from '../config/schema.ts';
import { isAsked } from '../config/ways-in.ts';
import type { Credential } from '../events/events.ts';
import type { Decision } from '../policy/types.ts';
import { printVersion, type Version } from '../version/version.ts';
import { requireToken } from '../wire/token.ts';
import { claimNotAllowed, notAuthenticated } from './refusals.ts';

/** What a client shows of itself. */
export interface Presented {
  /** Verified by the listener's CA; null: none was, or there is no TLS. */
  readonly certificate: CertificateNames | null;
  /** `digestOf` the token; null: none was sent; undefined: its protocol has none. */
  readonly token: Buffer | null | undefined;
}

/** What is found out of a client. */
export interface Finding {
  /** What the config calls it; null: it is not known. */
  readonly identity: string | null;
  /** By what it is known; or, of one that is not, what it presented; null: nothing. */
  readonly credential: Credential | null;
  /** Why it is not let in, whatever policy says; null: it is. */
  readonly refusal: Decision | null;
}

/** A client that nobody asks who it is. */
const ANYBODY: Finding = Object.freeze({ identity: null, credential: null, refusal: null });
/** Of no token, and of none that a config could state: zeros may stand there until somebody fills them in. */
const NO_DIGEST = randomBytes(32);

interface Rule {
  readonly name: string;
  readonly pattern: CertificatePattern | null;
  readonly token: string | null;
  /** As stated; null: it may be of any release. */
  readonly versions: readonly string[] | null;
  readonly ranges: readonly ClientRange[];
}

interface Known {
  readonly name: string;
  readonly credential: Credential;
  readonly rule: Rule | null;
}

/** The SHA-256 of a token; of one that could be guessed, that of no token. */
export function digestOf(token: string): Buffer {
  try {
    requireToken(token);
  } catch {
    return NO_DIGEST;
  }
  return createHash('sha256').update(token).digest();
}

/** What a gate goes by at one moment; a reload replaces it. */
export class Authentication {
  /** Names that a client may have. */
  readonly names: readonly string[];
  readonly #rules: readonly Rule[];
  readonly #tokens: readonly { readonly name: string; readonly digest: Buffer }[];
  readonly #isAsked: boolean;
  readonly #takesCertificates: boolean;

  constructor(config: Pick<Config, 'clients' | 'identities'>) {
    this.#rules = config.identities.map(ruleOf);
    const named = this.#rules.length > 0 ? this.#rules : config.clients.tokens;
    this.names = [...new Set(named.map(({ name }) => name))];
    // One that was not read, since the config is not served from here, is nobody's.
    this.#tokens = config.clients.tokens.flatMap(({ name, hash }) =>
      hash === undefined ? [] : { name, digest: Buffer.from(hash.replace('sha256:', ''), 'hex') },
    );
    this.#isAsked = isAsked(config);
    this.#takesCertificates = this.#rules.some(({ pattern }) => pattern !== null);
  }

  /**
   * What a client of this name is told that says it is of this release, however it is known; null: policy decides.
   * @param name one of `names`
   */
  claimBy(name: string, version: Version): Decision | null {
    const refusals = this.#rules
      .filter((rule) => rule.name === name)
      .map((rule) => claimRefusal(name, rule, version));
    return refusals.includes(null) ? null : (refusals[0] ?? null);
  }

  /** Judges one client. @param version that it says it is of */
  judge(presented: Presented, version: Version): Finding {
    if (!this.#isAsked && this.#tokens.length === 0) return ANYBODY;
    const known = this.#recognise(presented);
    if (known !== null) {
      const { name, credential, rule } = known;
      return { identity: name, credential, refusal: claimRefusal(name, rule, version) };
    }
    const credential = shownIn(presented);
    const isWrong = this.#tokens.length > 0 && presented.token != null;
    const refusal =
      this.#isAsked || isWrong ? notAuthenticated(printVersion(version), this.#lackOf(presented)) : null;
    return { identity: null, credential, refusal };
  }

  /** Of a token that is not known, nothing else counts: nobody presents one by mistake. */
  #recognise({ certificate, token }: Presented): Known | null {
    const named = token == null ? null : this.#tokenNamed(token);
    if (token != null && named === null && this.#tokens.length > 0) return null;
    if (this.#rules.length === 0)
      return named === null ? null : { name: named, credential: BY_TOKEN, rule: null };
    for (const rule of this.#rules) {
      const { name, pattern } = rule;
      if (named !== null && rule.token === named) return { name, credential: BY_TOKEN, rule };
      const value = certificate && pattern?.(certificate);
      if (value != null) return { name, credential: { kind: 'certificate', value }, rule };
    }
    return null;
  }

  /** Every token is compared, and each in a time that does not tell how much of it fits. */
  #tokenNamed(digest: Buffer): string | null {
    let found: string | null = null;
    for (const { name, digest: known } of this.#tokens) if (timingSafeEqual(digest, known)) found = name;
    return found;
  }

  /** For each way to be known: whether nothing was presented, or what is not known. */
  #lackOf({ certificate, token }: Presented): Lack {
    return {
      ...(token !== undefined &&
        this.#tokens.length > 0 && { token: token === null ? 'missing' : 'unknown' }),
      ...(this.#takesCertificates && { certificate: certificate === null ? 'missing' : 'unknown' }),
    };
  }
}

/** What a client would have to present; no way at all: where it came, there is none. */
export type Lack = { readonly [Way in 'token' | 'certificate']?: 'missing' | 'unknown' };

const BY_TOKEN: Credential = Object.freeze({ kind: 'token', value: null });

function ruleOf(entry: IdentityEntry): Rule {
  const { san, subject, fingerprint, token, versions } = entry;
  const stated = versions === undefined ? null : [versions].flat();
  return {
    name: nameOf(entry),
    pattern:
      (san !== undefined && compileSan(san)) ||
      (subject !== undefined && compileSubject(subject)) ||
      (fingerprint !== undefined && compileFingerprint(fingerprint)) ||
      null,
    token: token ?? null,
    versions: stated,
    ranges: (stated ?? []).map(parseClientRange),
  };
}

function claimRefusal(name: string, rule: Rule | null, version: Version): Decision | null {
  const { versions, ranges } = rule ?? { versions: null, ranges: [] };
  if (versions === null || ranges.some((holds) => holds(version))) return null;
  return claimNotAllowed(printVersion(version), name, versions);
}

/** What the record says of a client that is not known: names that a CA vouched for, and of a token no more than that it came. */
function shownIn({ certificate, token }: Presented): Credential | null {
  if (certificate !== null)
    return {
      kind: 'certificate',
      value: certificate.sans[0] ?? (certificate.subject || certificate.fingerprint),
    };
  return token == null ? null : BY_TOKEN;
}
