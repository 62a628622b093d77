/** Plans upgrades by what a gate was configured with: its catalogue, its hooks, and where the tables began. Pure. */
import { type Plan, PlanError, planUpgrade, releaseOfTables } from '../policy/plan.ts';
import { type Catalogue, levelOf } from '../version/catalogue.ts';
import { parseVersion, printVersion, tryParseVersion, type Version } from '../version/version.ts';
import type { LedgerRecord } from './ledger/record.ts';
import type { MigrationSettings } from './migration.ts';

/** Questions whose answers are kept: releases of clients times states of the tables. */
const MOST_PROBLEMS = 256;

export interface PlannerOptions {
  readonly settings: MigrationSettings;
  /** Releases with hooks of their own, as `major.minor.patch`. */
  readonly hooked: readonly string[];
  /** Where the tables are, if no server and no ledger says. */
  readonly baseline: Version | null;
}

/** Makes the plans of one gate. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #problems = new Map<string, PlanError | null>();
  /** What they were found with. */
  #catalogue: Catalogue | null = null;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** The level that the baseline stands for; null: none is stated. */
  get baselineLevel(): number | null {
    const { baseline, settings } = this.#options;
    return baseline && levelOf(settings.policy.catalogue, baseline);
  }

  /** The steps from `level` to a client of version `to`. @throws {PlanError} if the catalogue does not allow it. */
  plan(level: number, record: LedgerRecord | undefined, to: Version): Plan {
    const { settings, hooked } = this.#options;
    const recorded =
      record?.level === level && record.release !== null ? tryParseVersion(record.release) : null;
    return planUpgrade({
      catalogue: settings.policy.catalogue,
      from: { level, release: recorded ?? this.#statedFor(level) },
      to,
      hooked: hooked.map(parseVersion),
    });
  }

  /** Why the catalogue allows no such plan; null: it does. Asked for every client, so what was found is kept. */
  problem(level: number, record: LedgerRecord | undefined, to: Version): PlanError | null {
    this.#forgetStale();
    const question = `${level} ${record?.level} ${record?.release} ${printVersion(to)}`;
    const known = this.#problems.get(question);
    if (known !== undefined) return known;
    const found = this.#find(level, record, to);
    this.#problems.set(question, found);
    return found;
  }

  #forgetStale(): void {
    const { catalogue } = this.#options.settings.policy;
    if (this.#catalogue !== catalogue || this.#problems.size >= MOST_PROBLEMS) this.#problems.clear();
    this.#catalogue = catalogue;
  }

  #find(level: number, record: LedgerRecord | undefined, to: Version): PlanError | null {
    try {
      this.plan(level, record, to);
      return null;
    } catch (error) {
      if (error instanceof PlanError) return error;
      throw error;
    }
  }

  /** The release that left tables at `level`, where `version` is what some server runs. */
  releaseAt(level: number, version: Version | null): Version | null {
    const { catalogue } = this.#options.settings.policy;
    return this.#statedFor(level) ?? (version && releaseOfTables(catalogue, level, version));
  }

  /** The baseline, where the tables are as it left them. */
  #statedFor(level: number): Version | null {
    return this.baselineLevel === level ? this.#options.baseline : null;
  }
}
