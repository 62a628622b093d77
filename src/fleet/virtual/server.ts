/** A server of a simulated fleet. */
import { pause } from '../../ports/clock.ts';
import { type SimulatedServer, startServer } from '../../server/server.ts';
import type { Tables } from '../../server/tables.ts';
import { parseVersion, type Version } from '../../version/version.ts';
import { recordTables } from '../recording-store.ts';
import { KILL_AFTER, type SharedParts, VirtualNode } from './node.ts';

/** A machine that runs the simulated server, which shares the fleet's system tables. */
export class VirtualServer extends VirtualNode {
  /** The version that it is on, or comes back on. */
  version: Version;
  #running: SimulatedServer | null = null;
  #tables: (Tables & { died(): void }) | null = null;

  constructor(id: string, version: string, fleet: SharedParts) {
    super(id, fleet);
    this.version = parseVersion(version);
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  async start(version?: string): Promise<void> {
    if (this.#running !== null) return;
    if (version !== undefined) this.version = parseVersion(version);
    const { clock, transport } = this.begin();
    const { tables, truth, note, scenario } = this.fleet;
    this.#tables = tables && recordTables(tables, this.id, truth, this.fleet.clock, note);
    this.#running = await startServer({
      id: this.id,
      version: this.version,
      listen: `tcp://${this.id}:1`,
      transports: { tcp: transport },
      clock,
      upgradeMs: scenario.servers.upgradeTime,
      ...(this.#tables && { tables: this.#tables }),
    });
    note();
  }

  /**
   * Stops in order: no new sessions, and `grace` ms for those that are open. A server that stands still does not hear
   * that it should stop, and is killed in the end.
   */
  async stop(grace: number): Promise<void> {
    const { clock } = this.fleet;
    const running = this.#running;
    if (running === null) return;
    const late = () => pause(clock, grace + KILL_AFTER);
    if (this.paused) await late();
    else {
      running.leave();
      this.draining = true;
      this.fleet.note();
      await Promise.race([running.idle(grace), late()]);
    }
    if (this.#running !== running) return;
    await running.close();
    this.end();
  }

  protected override forget(): void {
    this.#tables?.died();
    this.#tables = null;
    this.#running = null;
  }
}
