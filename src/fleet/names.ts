/** Names in a fleet: servers are `rs1`, `rs2`, …, gates `gate1`, `gate2`, …, client groups as their scenario calls them. */
import type { FleetSettings } from './fleet-schema.ts';

/** The ledger as an end of a link that can be cut. */
export const LEDGER = 'ledger';
/** One-way latency of the network where a scenario states none, ms. */
export const LATENCY = 1;

/** Who is there in a fleet. */
export interface FleetNames {
  readonly groups: readonly string[];
  readonly servers: readonly string[];
  readonly gates: readonly string[];
}

/** Every name of the fleet that a scenario describes. */
export function namesOf({
  clients,
  servers,
  gates,
}: Pick<FleetSettings, 'clients' | 'servers' | 'gates'>): FleetNames {
  return {
    groups: clients.map(({ name }) => name),
    servers: numbered('rs', servers.count),
    gates: numbered('gate', gates),
  };
}

/** `rs1`, `rs2`, …: `count` names that begin with `prefix`. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
}
