/** Which addresses of a new config some worker has bound already. */
import type { Config } from '../config/schema.ts';
import { splitAddress } from '../transport/address.ts';

type Listen = Config['listen'];

const addressOf = ({ tcp, ws }: Listen[number]) => (tcp === undefined ? `ws://${ws}` : `tcp://${tcp}`);

/**
 * The addresses as bound, in the order of `next`; null: nobody has bound it.
 * @param bound of `before`, in its order
 * @throws {Error} if a new one has no port of its own: each worker would choose another
 */
export function alignAddresses(before: Listen, bound: readonly string[], next: Listen): (string | null)[] {
  const left = before.map((entry, at) => ({
    names: [addressOf(entry), bound[at]],
    address: bound[at] as string,
  }));
  return next.map((entry) => {
    const address = addressOf(entry);
    const at = left.findIndex(({ names }) => names.includes(address));
    if (at >= 0) return left.splice(at, 1)[0]?.address ?? null;
    if (splitAddress(address)[1].endsWith(':0'))
      throw new Error(`listen: ${address} is new, and with workers a new listener states its port`);
    return null;
  });
}

/** The same once all are bound. */
export function boundAddresses(next: Listen, aligned: readonly (string | null)[]): string[] {
  return next.map((entry, at) => aligned[at] ?? addressOf(entry));
}
