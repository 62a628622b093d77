/**
 * IP addresses as text and as bytes. IPv4 addresses in IPv6 form (`::ffff:192.0.2.1`, RFC 4291, 2.5.5.2) are IPv4
 * addresses here: it is the same machine, whichever socket it came through.
 */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const V4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);
/** What an IPv6 address can consist of; whether it is one, the URL standard's parser says. */
const V6 = /^[\dA-Fa-f:.]{2,45}$/;

/** The four or sixteen bytes of an address; null: it is none. A zone (`%eth0`) is none of an address. */
export function parseIp(text: string): Uint8Array | null {
  const v4 = V4.exec(text);
  if (v4 !== null) return Uint8Array.from(v4.slice(1), Number);
  if (!V6.test(text) || !text.includes(':')) return null;
  const host = URL.parse(`http://[${text}]`)?.hostname;
  return host === undefined ? null : withoutMapping(bytesOf(host.slice(1, -1)));
}

/** The shortest text of an address (RFC 5952). @param bytes four or sixteen */
export function printIp(bytes: Uint8Array): string {
  const plain = withoutMapping(bytes);
  if (plain.length === 4) return plain.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => groupAt(plain, at).toString(16));
  return (URL.parse(`http://[${groups.join(':')}]`) as URL).hostname.slice(1, -1);
}

/** The sixteen bytes of an address of either kind. */
export function toV6(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.from([...MAPPED, ...bytes]);
}

/**
 * The network that an address is in: its first `prefix` bits, the others 0.
 * @param bytes four or sixteen
 */
export function networkOf(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * at))));
}

/**
 * The network of an address, as people write it: an address, or `2001:db8:1:2::/64`.
 * @param prefixes leading bits that the addresses of one network share
 */
export function networkName(
  bytes: Uint8Array,
  { v4, v6 }: { readonly v4: number; readonly v6: number },
): string {
  const prefix = bytes.length === 4 ? v4 : v6;
  const name = printIp(networkOf(bytes, prefix));
  return prefix === 8 * bytes.length ? name : `${name}/${prefix}`;
}

/** @param text as the URL standard writes it: groups in hexadecimal, the longest run of zeros left out */
function bytesOf(text: string): Uint8Array {
  const [head = [], tail = []] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Uint8Array.from(groups.flatMap((group) => split(Number.parseInt(group, 16))));
}

const split = (group: number) => [group >> 8, group & 0xff];
const groupAt = (bytes: Uint8Array, at: number) =>
  ((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number);

function withoutMapping(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 && MAPPED.every((byte, at) => bytes[at] === byte) ? bytes.subarray(12) : bytes;
}
