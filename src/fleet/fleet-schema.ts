/** The part of a scenario that describes its fleet: servers, clients, network, policy and times. */
import { z } from 'zod';
import { version } from '../config/checked.ts';
import { configSchema } from '../config/schema.ts';
import { duration } from '../config/units.ts';
import { FAULT_NAMES } from './faults.ts';
import { LATENCY } from './names.ts';

export { version };

/** The name of a client group, a server or a gate. */
export const name = z.string().min(1).max(64);

/** A real program in place of a simulated server or client. */
const program = {
  command: z.array(z.string().min(1)).min(1).optional(),
  handshake: z
    .boolean()
    .default(true)
    .describe('with `command`: whether it speaks the handshake; else it stands for its version'),
};

const servers = z.strictObject({
  count: z.int().min(1).max(100).default(3).describe('called rs1, rs2, …'),
  version: version.describe('the release that they run at first'),
  tables: version.optional().describe('the release that left the system tables; absent: no tables'),
  upgradeTime: duration.prefault('2s').describe('how long an upgrade step takes'),
  ...program,
  command: program.command.describe(
    'starts a real server, with {id}, {version}, {host} and {port} filled in; it keeps its own tables',
  ),
});

const group = z.strictObject({
  name: name.describe('what steps and reports call them'),
  count: z.int().min(1).max(1_000_000).default(1).describe('clients in the group'),
  version: version.describe('what they say they are at first'),
  over: duration.prefault('0s').describe('they arrive over this time'),
  arrival: z
    .enum(['evenly', 'randomly', 'faster'])
    .optional()
    .describe('spread evenly over it (the default), at random, or few at first and ever more'),
  stay: duration.optional().describe('how long a session lasts; absent: until told otherwise'),
  again: duration.optional().describe('comes again so long after its session ended or was refused'),
  upgrade: z.enum(['may', 'must-not']).default('may').describe('whether it may bring the upgrade'),
  ...program,
  command: program.command.describe(
    'runs a real client for as long as its session lasts, with {name}, {version}, {url}, {host} and {port} filled in',
  ),
});

/** The keys of a scenario that describe its fleet. */
export const fleetShape = {
  seed: z.int().min(0).default(1).describe('of all that is random: the same seed gives the same run'),
  gates: z.int().min(1).max(20).default(1).describe('called gate1, gate2, …, with one ledger'),
  servers: servers.describe('the servers, which are alike at first'),
  clients: z.array(group).default([]).describe('groups of clients that are alike and move together'),
  network: z
    .strictObject({
      latency: duration.prefault(`${LATENCY}ms`).describe('one way'),
      loss: z.number().min(0).max(0.5).default(0).describe('of packets, each of which comes 200 ms late'),
    })
    .prefault({})
    .describe('the network between clients, gates and servers, on virtual time'),
  policy: configSchema.shape.policy,
  catalogue: configSchema.shape.catalogue,
  migration: configSchema.shape.migration,
  timeouts: configSchema.shape.timeouts,
  fault: z.enum(FAULT_NAMES).optional().describe('planted in a fleet on virtual time, to see it found'),
};

const settings = z.object(fleetShape);

/** A fleet as a scenario describes it. */
export type FleetSettings = z.infer<typeof settings>;
/** Clients that are alike and move together. */
export type Group = z.infer<typeof group>;
