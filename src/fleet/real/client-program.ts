/**
 * A program as a client. It dials a link of its own, so that what the gate decided for it can be told from what it
 * decided for others: by the link's end that the gate names as its peer.
 */
import { EventEmitter } from 'node:events';
import { RefusedError } from '../../client/session.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { parseHostPort, splitAddress } from '../../transport/address.ts';
import type { ConnectResult, FleetSession, Logged } from '../driver.ts';
import { Child } from './child.ts';
import { Link } from './link.ts';
import { fill } from './program.ts';

export interface ProgramClient {
  readonly name: string;
  readonly version: string;
  readonly upgrade: 'may' | 'must-not';
  readonly command: readonly string[];
  /** Where it runs. */
  readonly folder: string;
  /** Decision records of all gates so far. */
  readonly records: () => readonly Logged[];
  readonly over: AbortSignal;
}

type Handshake = Extract<Logged, { event: 'handshake' }>;

/** ms between two looks at what the gate decided. */
const POLL = 20;
/** What a client that is told to go gets until it is killed, ms. */
const GRACE = 1_000;

/** @param gate listener that it is sent to, with scheme. */
export async function connectProgram(gate: string, program: ProgramClient): Promise<ConnectResult> {
  const { name, version, upgrade, folder, over } = program;
  const link = await Link.open(parseHostPort(splitAddress(gate)[1]));
  const { host, port } = parseHostPort(link.address);
  const query = new URLSearchParams({ version, name, ...(upgrade === 'must-not' && { upgrade }) });
  const url = `skewgate://${link.address}/?${query}`;
  let child: Child | null = null;
  try {
    const known = program.records().length;
    const command = fill(program.command, { name, version, url, host, port });
    child = await Child.start({ command, ready: /(?:)/, folder, signal: over });
    const decided = await decisionFor(link, child, program, known);
    if (decided?.verdict === 'permit') return { kind: 'admitted', session: new ProgramSession(child, link) };
    await leave(child, link);
    if (decided !== null)
      return { kind: 'refused', error: new RefusedError({ ...decided, ...copies(decided) }) };
    return { kind: 'lost', error: new Error(`${command.join(' ')} ended undecided:\n${child.output}`) };
  } catch (error) {
    link.close();
    return { kind: 'lost', error: error as Error };
  }
}

/** Null: it ended before any gate decided. */
async function decisionFor(
  link: Link,
  child: Child,
  { records, over }: ProgramClient,
  known: number,
): Promise<Handshake | null> {
  for (let from = known; ; ) {
    const ended = !child.running || over.aborted;
    const seen = records();
    const found = seen.slice(from).find((record): record is Handshake => {
      return record.event === 'handshake' && link.ends.has(record.peer);
    });
    if (found !== undefined || ended) return found ?? null;
    from = seen.length;
    await pause(realClock, POLL, over);
  }
}

/** What a message on the wire has as its own, and a record only to read. */
function copies({ move, notes, trace }: Handshake) {
  return { move: move && { ...move, who: [...move.who] }, notes: [...notes], trace: [...(trace ?? [])] };
}

async function leave(child: Child, link: Link): Promise<void> {
  await child.end(GRACE);
  link.close();
}

class ProgramSession extends EventEmitter implements FleetSession {
  closed = false;
  readonly #child: Child;
  readonly #link: Link;

  constructor(child: Child, link: Link) {
    super();
    this.#child = child;
    this.#link = link;
    void child.exited.then(() => {
      link.close();
      this.closed = true;
      this.emit('close');
    });
  }

  get exitedCleanly(): boolean {
    return this.#child.status === 0;
  }

  destroy(): void {
    void leave(this.#child, this.#link);
  }
}
