/** A gate of a test, in this process, and what it decided. */
import { Writable } from 'node:stream';
import type { Cluster } from '../cluster/cluster.ts';
import type { Config } from '../config/schema.ts';
import type { Logged } from '../fleet/driver.ts';
import { buildGate } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Store } from '../migration/ledger/store.ts';
import { realRuntime } from '../runtime/real.ts';

/** One gate of a fleet, with the store that it shares with the others. */
export class FleetGate {
  readonly id: string;
  readonly gate: Gate;
  readonly cluster: Cluster;

  /** @param hear gets each record as it is written. */
  constructor(id: string, config: Config, store: Store, hear: (record: Logged) => void) {
    const stdout = new Writable({
      decodeStrings: false,
      write(line: string, _encoding, done) {
        hear(JSON.parse(line));
        done();
      },
    });
    const { gate, cluster } = buildGate(
      { ...config, id, log: { ...config.log, trace: 'all' } },
      {
        ...realRuntime,
        folder: '.',
        stdout,
        store,
        say: () => {},
      },
    );
    this.id = id;
    this.gate = gate;
    this.cluster = cluster;
  }

  /** Of its listener for this scheme, with the scheme. */
  address(scheme: 'tcp' | 'ws'): string {
    const address = this.gate.status().addresses.find((candidate) => candidate.startsWith(`${scheme}:`));
    if (address === undefined) throw new Error(`${this.id} does not listen`);
    return address;
  }

  /** Asks every server how it is, so that what is decided next goes by it. */
  look(): Promise<void> {
    return this.cluster.refresh(0);
  }
}
