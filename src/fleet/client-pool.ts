/** The clients of a scenario. They connect, stay, leave and perhaps reconnect, and their outcomes are counted. */
import { pause } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { FleetDriver, FleetSession } from './driver.ts';
import type { Group } from './fleet-schema.ts';

/** A session began (+1) or ended (-1). */
export interface SessionChange {
  /** ms since the epoch, as the fleet's clock has it. */
  readonly at: number;
  readonly client: string;
  readonly by: 1 | -1;
  /** It ended, and its client did not want that. */
  readonly dropped: boolean;
}

/** One client, from its first attempt until a step tells it to stop. */
interface ClientRun {
  session: FleetSession | null;
  /** It ends the session of its own will. */
  leaves: boolean;
}

interface Client {
  readonly name: string;
  readonly group: Group;
  version: string;
  run: ClientRun | null;
}

/** All clients of a scenario, by group. Counts how their attempts and sessions end. */
export class ClientPool {
  readonly changes: SessionChange[] = [];
  /** Sessions that ended otherwise than by their client's will. */
  dropped = 0;
  /** Attempts that no gate answered. */
  lost = 0;
  /** Clients on their way in, and groups that still arrive. */
  pending = 0;
  readonly #fleet: FleetDriver;
  readonly #random: Random;
  readonly #groups: ReadonlyMap<string, readonly Client[]>;
  #over = false;

  constructor(groups: readonly Group[], fleet: FleetDriver, random: Random) {
    this.#fleet = fleet;
    this.#random = random;
    this.#groups = new Map(groups.map((group) => [group.name, clientsOf(group)]));
  }

  /** Resolves once all of the group has set out. */
  async arrive(name: string): Promise<void> {
    const { clock } = this.#fleet;
    const clients = this.#group(name);
    const start = clock.monotonic();
    this.pending++;
    for (const [at, offset] of this.#offsets(clients).entries()) {
      const left = start + offset - clock.monotonic();
      if (left > 0) await pause(clock, left);
      if (this.#over) break;
      this.#runClient(clients[at] as Client);
    }
    this.pending--;
  }

  disconnect(name: string): void {
    for (const client of this.#group(name)) {
      const session = client.run?.session;
      client.run = null;
      session?.destroy();
    }
  }

  /** Another version from its next arrival on. */
  change(name: string, version: string): void {
    for (const client of this.#group(name)) client.version = version;
  }

  /** Nobody comes again, and nothing that ends from now on counts. */
  close(): void {
    this.#over = true;
  }

  /** When each client sets out, ms after the first could; ascending. Whole ones: virtual time has fewer moments. */
  #offsets(clients: readonly Client[]): number[] {
    const { over = 0, arrival = 'evenly' } = clients[0]?.group ?? {};
    const part = (at: number) => {
      if (arrival === 'randomly') return this.#random.next();
      return arrival === 'faster' ? Math.sqrt(at / clients.length) : at / clients.length;
    };
    return clients.map((_, at) => Math.floor(over * part(at))).sort((one, other) => one - other);
  }

  #runClient(client: Client): void {
    const run: ClientRun = { session: null, leaves: false };
    const before = client.run?.session;
    client.run = run;
    before?.destroy();
    void this.#attempt(client, run);
  }

  /** One attempt; what comes of it goes on by itself. Nothing waits for a session, since there may be very many. */
  async #attempt(client: Client, run: ClientRun): Promise<void> {
    const { name, version, group } = client;
    this.pending++;
    const { command, handshake, upgrade } = group;
    const program = command && { command, handshake };
    const attempt = await this.#fleet.connect(name, version, upgrade, program);
    this.pending--;
    if (attempt.kind === 'lost') this.lost++;
    if (attempt.kind === 'admitted' && client.run === run)
      return this.#holdSession(client, run, attempt.session, version);
    if (attempt.kind === 'admitted') attempt.session.destroy();
    this.#comeAgain(client, run);
  }

  /** Until the session ends, by whose will ever. */
  #holdSession(client: Client, run: ClientRun, session: FleetSession, version: string): void {
    const { stay } = client.group;
    run.session = session;
    run.leaves = false;
    this.#note(version, 1, false);
    const leave = () => {
      run.leaves = true;
      session.destroy();
    };
    const timer = stay === undefined ? null : this.#fleet.clock.after(stay, leave);
    const ended = () => {
      timer?.cancel();
      run.session = null;
      const dropped = client.run === run && !run.leaves && !this.#over && !session.exitedCleanly;
      if (dropped) this.dropped++;
      this.#note(version, -1, dropped);
      this.#comeAgain(client, run);
    };
    if (session.closed) ended();
    else session.on('close', ended);
  }

  #comeAgain(client: Client, run: ClientRun): void {
    const { again } = client.group;
    if (again === undefined) return;
    this.#fleet.clock.after(again, () => {
      if (client.run === run && !this.#over) void this.#attempt(client, run);
    });
  }

  #note(client: string, by: 1 | -1, dropped: boolean): void {
    if (!this.#over) this.changes.push({ at: this.#fleet.clock.now(), client, by, dropped });
  }

  #group(name: string): readonly Client[] {
    return this.#groups.get(name) ?? [];
  }
}

function clientsOf(group: Group): Client[] {
  return Array.from({ length: group.count }, (_, at) => ({
    name: `${group.name}-${at + 1}`,
    group,
    version: group.version,
    run: null,
  }));
}
