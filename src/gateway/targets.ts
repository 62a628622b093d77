/** What an operator may name in a verb: whether it is there, what it is called, and what to know before it is drained. */
import type { Cluster } from '../cluster/cluster.ts';
import { parseClientRange } from '../config/client-range.ts';
import { OperationError } from './effect.ts';
import type { Target } from './orders.ts';

export interface Surrounding {
  readonly cluster: Cluster;
  /** Of the listeners, as bound. */
  readonly addresses: () => readonly string[];
}

/** Names that a message lists at most. */
const SHOWN = 10;

/** @throws {OperationError} if there is no such server or listener, or the range is none */
export function requireTarget(target: Target, { cluster, addresses }: Surrounding): void {
  if (target.kind === 'server')
    requireName(
      target.id,
      'server',
      cluster.servers.map(({ id }) => id),
    );
  if (target.kind === 'listener') requireName(target.address, 'listener', addresses());
  if (target.kind === 'clients') requireRange(target.range);
}

function requireName(name: string, what: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  throw new OperationError(
    `There is no ${what} ${JSON.stringify(name)}: there is ${names.slice(0, SHOWN).join(', ')}${more}.`,
    { isMissing: true },
  );
}

function requireRange(range: string): void {
  try {
    parseClientRange(range);
  } catch (error) {
    throw new OperationError(`${(error as Error).message}.`);
  }
}

/** As a sentence begins with it. */
export function spellTarget(target: Target): string {
  switch (target.kind) {
    case 'gate':
      return 'The gate';
    case 'server':
      return `Server ${target.id}`;
    case 'listener':
      return `Listener ${target.address}`;
    case 'clients':
      return `Clients of ${target.range}`;
  }
}

/** What an operator may not have thought of before that is drained, as sentences. */
export function warningsAbout(target: Target, { cluster, addresses }: Surrounding): string[] {
  if (target.kind === 'server') {
    const others = cluster.servers.filter(({ id, state }) => id !== target.id && state === 'up');
    return others.length > 0 ? [] : ['No other server takes sessions: new clients wait for one.'];
  }
  const isLast = target.kind === 'listener' && addresses().every((address) => address === target.address);
  return isLast ? ['It is the only listener: nobody can connect.'] : [];
}
