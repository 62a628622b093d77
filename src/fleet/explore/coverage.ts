/** How much of what can happen to a fleet the plans so far have made happen. */
import { plural } from '../../config/units.ts';
import { parseVersion, printMinor } from '../../version/version.ts';
import type { FleetSpec } from './fleet-spec.ts';
import { versionsOf, whyNoUpgrade } from './plan.ts';
import { type PlanCoverage, pairOf } from './reached.ts';

export interface Covered {
  /** Pairs of client and server lines that met at a gate, of all that can. */
  readonly pairs: { readonly met: number; readonly of: number; readonly missing: readonly string[] };
  readonly steps: number;
  readonly skipped: number;
  /** Steps that began while an upgrade was under way, and of how many kinds. */
  readonly interleaved: { readonly steps: number; readonly kinds: readonly string[] };
  readonly decisions: number;
  readonly upgrades: number;
  /** Plans in which an upgrade ran to its end. */
  readonly upgradedPlans: number;
  /** What no plan reached, each with what to change; empty: all that there is to reach. */
  readonly unreached: readonly string[];
  /** Virtual time, ms. */
  readonly time: number;
}

/** Adds up what plans have reached, plan by plan. */
export class Coverage {
  readonly #fleet: FleetSpec;
  readonly #possible: readonly string[];
  readonly #pairs = new Set<string>();
  readonly #kinds = new Set<string>();
  #steps = 0;
  #skipped = 0;
  #interleaved = 0;
  #decisions = 0;
  #upgrades = 0;
  #upgradedPlans = 0;
  #plans = 0;
  #time = 0;

  constructor(fleet: FleetSpec) {
    this.#fleet = fleet;
    const lines = [...new Set(versionsOf(fleet).map((version) => printMinor(parseVersion(version))))];
    this.#possible = lines.flatMap((client) => lines.map((server) => pairOf(client, server)));
  }

  /** What one more plan reached. */
  add({ steps, skipped, interleaved, pairs, decisions, upgrades, time }: PlanCoverage): void {
    this.#plans++;
    this.#steps += steps;
    this.#skipped += skipped;
    this.#interleaved += interleaved.length;
    this.#decisions += decisions;
    this.#upgrades += upgrades;
    if (upgrades > 0) this.#upgradedPlans++;
    this.#time += time;
    for (const kind of interleaved) this.#kinds.add(kind);
    for (const pair of pairs) this.#pairs.add(pair);
  }

  #unreached(): string[] {
    const missing = this.#possible.filter((pair) => !this.#pairs.has(pair));
    const plans = plural(this.#plans, 'plan');
    const reasons: string[] = [];
    if (missing.length > 0)
      reasons.push(`${plural(missing.length, 'pair')} of versions did not meet: try more plans (--runs)`);
    if (this.#upgrades === 0) {
      const why = whyNoUpgrade(this.#fleet);
      reasons.push(
        why === null
          ? `no upgrade of the system tables ran to its end in ${plans}: try more (--runs), or longer ones (--max-steps)`
          : `no upgrade of the system tables can run on this fleet: ${why}`,
      );
    } else if (this.#interleaved === 0)
      reasons.push('no step began while an upgrade ran: let one take longer (servers.upgradeTime)');
    if (this.#fleet.gates === 1)
      reasons.push('nothing was tried of gates that share a ledger: there is one (gates: 2)');
    if (this.#fleet.clients.length === 0) reasons.push('no client came: there are no groups (clients)');
    return reasons;
  }

  get sum(): Covered {
    return {
      pairs: {
        met: this.#possible.filter((pair) => this.#pairs.has(pair)).length,
        of: this.#possible.length,
        missing: this.#possible.filter((pair) => !this.#pairs.has(pair)),
      },
      steps: this.#steps,
      skipped: this.#skipped,
      interleaved: { steps: this.#interleaved, kinds: [...this.#kinds].sort() },
      decisions: this.#decisions,
      upgrades: this.#upgrades,
      upgradedPlans: this.#upgradedPlans,
      unreached: this.#unreached(),
      time: this.#time,
    };
  }
}
