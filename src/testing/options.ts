/** What a test says of its fleet, checked with the same care as a config file. */
import { z } from 'zod';
import { version } from '../config/checked.ts';
import { ConfigError } from '../config/load.ts';
import { spellProblems } from '../config/problems.ts';
import { type Config, configSchema } from '../config/schema.ts';
import type { PresetName } from '../policy/presets.ts';
import type { ProtocolRange } from '../policy/types.ts';
import type { Serve } from '../server/server.ts';

type ConfigInput = z.input<typeof configSchema>;

export interface ServerOptions {
  readonly version: string;
  /** Default: rs1, rs2, … */
  readonly id?: string;
  /** For the preset `ranges`. */
  readonly protocol?: ProtocolRange;
}

export interface FleetOptions
  extends Partial<Pick<ConfigInput, 'catalogue' | 'migration' | 'timeouts' | 'limits'>> {
  /** A simulated server each: `['4.14.2', '4.15.0']`. They echo, unless `serve` says what they do. */
  readonly servers: ReadonlyArray<string | ServerOptions>;
  /** A preset, or what a config says under `policy`. Default: `phoenix`. */
  readonly policy?: PresetName | ConfigInput['policy'];
  /** Called gate1, gate2, …, with one ledger. Default: 1. */
  readonly gates?: number;
  /** The release that left the system tables; absent: the servers keep none. */
  readonly tables?: string;
  /** How long a server takes for one step of the upgrade, ms. Default: 0. */
  readonly upgradeMs?: number;
  /** What an admitted client talks to. */
  readonly serve?: Serve;
}

/** A test does not wait for what nobody will bring, and decides on what is true now. */
const TIMEOUTS = {
  handshake: '5s',
  hold: '2s',
  dial: '2s',
  probe: '500ms',
  fresh: '0ms',
  drain: '0ms',
} as const;

const server = z.strictObject({
  version,
  id: z.string().min(1).optional(),
  protocol: z.custom<ProtocolRange>().optional(),
});

/** The options of `startFleet`; what a config has as well is looked at with the config's own schema. */
const optionsSchema = z.strictObject({
  servers: z.array(z.union([version, server])).min(1),
  policy: z.union([z.string(), z.looseObject({})]).optional(),
  gates: z.int().min(1).max(20).optional(),
  tables: version.optional(),
  upgradeMs: z.number().min(0).optional(),
  serve: z.custom<Serve>((value) => typeof value === 'function', 'must be a function').optional(),
  catalogue: z.looseObject({}).optional(),
  migration: z.looseObject({}).optional(),
  timeouts: z.looseObject({}).optional(),
  limits: z.looseObject({}).optional(),
});

/**
 * Refuses options that can't be meant, before anything starts.
 *
 * @throws {ConfigError} naming the option, with a suggestion where a key is misspelt
 */
export function checkOptions(options: unknown): void {
  check(optionsSchema, options ?? {});
}

/** The config of the fleet's gates. @param servers with their addresses, in their order. @throws {ConfigError} */
export function configOf(options: FleetOptions, servers: Config['servers']): Config {
  const { policy = 'phoenix', catalogue, migration, timeouts, limits } = options;
  return check(configSchema, {
    listen: [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }],
    servers,
    policy: typeof policy === 'string' ? { preset: policy } : policy,
    migration: { ledger: 'memory:', ...migration },
    timeouts: { ...TIMEOUTS, ...timeouts },
    ...(catalogue !== undefined && { catalogue }),
    ...(limits !== undefined && { limits }),
  });
}

function check<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    'startFleet',
    spellProblems(schema, input, parsed.error.issues).map(({ path, message }) => ({
      line: null,
      field: path.map(String).join('.'),
      message,
    })),
  );
}

/** The servers as stated, each with its id. */
export function serversOf({
  servers,
}: FleetOptions): Array<Required<Pick<ServerOptions, 'id'>> & ServerOptions> {
  return servers.map((server, at) => {
    const stated = typeof server === 'string' ? { version: server } : server;
    return { ...stated, id: stated.id ?? `rs${at + 1}` };
  });
}
