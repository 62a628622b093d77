/**
 * Which certificates an identity means: by an alternative name (SAN), by the subject, or by the fingerprint. Names are
 * compared as their kind wants it: a host name regardless of case, a URI byte for byte. A pattern of one kind never fits
 * a name of another, and a `*` never stands for what parts of a name are told apart by.
 */
import net from 'node:net';
import { globPart, globParts, type NamePattern } from './glob.ts';
import { parseSubject } from './subject.ts';

/** What patterns look at; of a certificate that was verified. */
export interface CertificateNames {
  /** RFC 4514: `CN=a,O=b`. */
  readonly subject: string;
  /** `DNS:x`, `URI:spiffe://…`, `IP:…`, `email:…`. */
  readonly sans: readonly string[];
  /** SHA-256, hex. */
  readonly fingerprint: string;
}

/** The name by which a certificate is meant, for the record; null: it is not meant. */
export type CertificatePattern = (certificate: CertificateNames) => string | null;

type Kind = 'DNS' | 'URI' | 'IP' | 'email';

const KIND = /^(DNS|URI|IP|email):(.*)$/s;
/** That is, of any certificate that the listener's CA vouches for. */
const ANYBODY = '*';

const COMPILERS: Readonly<Record<Kind, (pattern: string) => NamePattern>> = {
  DNS: dnsPattern,
  URI: uriPattern,
  IP: ipPattern,
  email: emailPattern,
};

/** Alternative names: `spiffe://shop/*`, `*.shop.example`, `IP:10.0.0.7`. @throws {Error} saying what is wrong */
export function compileSan(text: string): CertificatePattern {
  const [, stated, rest = ''] = KIND.exec(text) ?? [];
  const kind = (stated as Kind | undefined) ?? kindOf(text);
  const fits = COMPILERS[kind](stated === undefined ? text : rest);
  return ({ sans }) =>
    sans.find((san) => san.startsWith(`${kind}:`) && fits(san.slice(kind.length + 1))) ?? null;
}

/** @throws {Error} if it can't be told */
function kindOf(text: string): Kind {
  if (text.includes('://')) return 'URI';
  if (text.includes('@')) return 'email';
  if (net.isIP(text) !== 0) return 'IP';
  if (/^[\w*-]+(\.[\w*-]+)*$/.test(text)) return 'DNS';
  throw new Error(
    `${JSON.stringify(text)} is no name such as spiffe://shop/* or *.shop.example: one of another kind begins with DNS:, URI:, IP: or email:`,
  );
}

function dnsPattern(pattern: string): NamePattern {
  if (!/^[\w*-]+(\.[\w*-]+)*$/.test(pattern))
    throw new Error(`${JSON.stringify(pattern)} is not a host name such as web-*.shop.example`);
  const fits = globParts(pattern.toLowerCase(), '.');
  // A certificate for `*.shop.example` is of many hosts, and of none that is named.
  return (name) => !name.includes('*') && fits(name.toLowerCase());
}

/** `**` as the last part is any rest. The scheme is stated, and case counts everywhere. */
function uriPattern(pattern: string): NamePattern {
  const parts = pattern.split('/');
  const [scheme = ''] = parts;
  if (!/^[a-z][a-z0-9+.-]*:[^*]*$/i.test(scheme))
    throw new Error(
      `${JSON.stringify(pattern)} is not a URI such as spiffe://shop/*, its scheme without a *`,
    );
  if (parts.at(-1) !== '**') return globParts(pattern, '/');
  const before = globParts(parts.slice(0, -1).join('/'), '/');
  const count = parts.length - 1;
  return (name) => {
    const all = name.split('/');
    const rest = all.slice(count);
    return before(all.slice(0, count).join('/')) && rest.length > 0 && rest.every(globPart('*'));
  };
}

function ipPattern(pattern: string): NamePattern {
  const wanted = canonicalIp(pattern);
  if (wanted === null)
    throw new Error(`${JSON.stringify(pattern)} is not an IP address: it is named as a whole`);
  return (name) => canonicalIp(name) === wanted;
}

/** Of the ways to write an address, one; null: it is none. */
function canonicalIp(text: string): string | null {
  const version = net.isIP(text);
  if (version === 0 || text.includes('%')) return null;
  return new net.SocketAddress({ address: text, family: version === 4 ? 'ipv4' : 'ipv6' }).address;
}

/** The part in front of the last @ as it is, the host behind it regardless of case. */
function emailPattern(pattern: string): NamePattern {
  const [user, host] = splitEmail(pattern);
  if (user === '' || host === '' || user.includes('**'))
    throw new Error(`${JSON.stringify(pattern)} is not an address such as *@shop.example`);
  const [fitsUser, fitsHost] = [globPart(user), dnsPattern(host)];
  return (name) => {
    const [itsUser, itsHost] = splitEmail(name);
    return fitsUser(itsUser) && fitsHost(itsHost);
  };
}

function splitEmail(text: string): [user: string, host: string] {
  const at = text.lastIndexOf('@');
  return at < 0 ? ['', ''] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Subjects: `CN=web-*,O=Shop`, part by part in the order of RFC 4514, with all parts that a subject has; `*` alone is
 * anybody whom the listener's CA vouches for. @throws {Error} saying what is wrong
 */
export function compileSubject(text: string): CertificatePattern {
  if (text === ANYBODY) return ({ subject, sans }) => subject || (sans[0] ?? ANYBODY);
  const wanted = parseSubject(text, 'pattern').map((part) =>
    part.map(({ type, value }) => ({ type, fits: globPart(value) })),
  );
  return ({ subject }) => {
    const parts = tryParseSubject(subject);
    const fits =
      parts?.length === wanted.length &&
      wanted.every((attributes, at) => {
        const its = parts[at] ?? [];
        return (
          its.length === attributes.length &&
          attributes.every((one, n) => its[n]?.type === one.type && one.fits(its[n].value))
        );
      });
    return fits ? subject : null;
  };
}

function tryParseSubject(subject: string) {
  try {
    return parseSubject(subject, 'name');
  } catch {
    return null;
  }
}

/** SHA-256 in hex, with or without colons. @throws {Error} if it is none */
export function compileFingerprint(text: string): CertificatePattern {
  const wanted = bareFingerprint(text);
  if (!/^[0-9a-f]{64}$/.test(wanted))
    throw new Error(`${JSON.stringify(text)} is not the SHA-256 of a certificate, 64 hex digits`);
  return ({ fingerprint }) => (bareFingerprint(fingerprint) === wanted ? wanted : null);
}

const bareFingerprint = (text: string) => text.replaceAll(':', '').toLowerCase();
