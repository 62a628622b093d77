/**
 * The config file: every key with its type, default and one line about it. The reference table in the README
 * and the JSON Schema for editors are generated from here (`npm run generate`).
 */
import { z } from 'zod';
import { compileVersionPattern } from '../backend/version-pattern.ts';
import { FORMATS } from '../decision/formats.ts';
import { TRACES } from '../decision/traces.ts';
import { PRESET_NAMES } from '../policy/presets.ts';
import { ENGINES } from '../relay/engine.ts';
import { parseHostPort, splitAddress } from '../transport/address.ts';
import { parseMinor } from '../version/version.ts';
import { admin } from './admin.ts';
import { checked, eachOnce, version } from './checked.ts';
import { clients } from './clients.ts';
import { identities } from './identities.ts';
import { limits } from './limits.ts';
import { migration } from './migration.ts';
import { onSkew } from './on-skew.ts';
import { checkSpeaking, speakingKeys, spokenOn } from './speaks.ts';
import { duration, moreThanNone, size } from './units.ts';

const line = z.union([z.number().transform(String), z.string()]).pipe(checked(parseMinor));
const hostPort = checked(parseHostPort).meta({ pattern: String.raw`^\S+:\d{1,5}$` });
const protocolRange = z
  .strictObject({
    min: z.int().min(0).describe('lowest'),
    max: z.int().min(0).describe('highest'),
  })
  .refine(({ min, max }) => min <= max, { message: 'min is above max' });

const address = checked((text) => {
  const [scheme, rest] = splitAddress(text);
  if (scheme !== 'tcp' && scheme !== 'ws')
    throw new Error(`${JSON.stringify(text)} begins with tcp:// or ws://`);
  parseHostPort(scheme === 'ws' ? (rest.split('/')[0] as string) : rest);
}).meta({ pattern: String.raw`^(tcp|ws)://\S+:\d{1,5}(/.*)?$` });

/** @throws {Error} if no browser would write it so */
function parseOrigin(text: string): void {
  if (text !== 'null' && URL.parse(text)?.origin !== text)
    throw new Error(`${JSON.stringify(text)} is not an origin such as https://app.example`);
}

/** Port 0 is another one each time. */
function portOf({ tcp, ws }: { readonly tcp?: string | undefined; readonly ws?: string | undefined }) {
  const address = tcp ?? ws;
  return address?.endsWith(':0') ? undefined : address;
}

const listener = z
  .strictObject({
    tcp: hostPort.optional().describe('`HOST:PORT` to listen on for TCP; port 0 chooses a free one'),
    ws: hostPort.optional().describe('`HOST:PORT` to listen on for WebSocket'),
    origins: z
      .array(checked(parseOrigin))
      .optional()
      .describe('with `ws`: the web pages that may connect, such as `https://app.example`; default: none'),
    assume: version
      .optional()
      .describe('any program on this port counts as a client of this version, without a handshake'),
    upgrade: z
      .enum(['may', 'must-not'])
      .optional()
      .describe(
        'with `assume` or `speaks`: whether such a client may bring the upgrade of the system tables; default: `may`',
      ),
    protocol: protocolRange
      .optional()
      .describe('with `assume` and preset `ranges`: the protocol versions it speaks'),
    allowPlain: z
      .boolean()
      .optional()
      .describe(
        'whether clients may send their tokens here although neither TLS nor loopback hides them; default: false, and the gate does not start where they could',
      ),
    ...speakingKeys,
  })
  .refine((entry) => (entry.tcp === undefined) !== (entry.ws === undefined), {
    message: 'a listener has either tcp or ws',
  })
  .refine(({ ws, origins }) => origins === undefined || ws !== undefined, {
    path: ['origins'],
    message: 'only web pages have one, and they can only use a WebSocket port',
  })
  .refine((entry) => entry.upgrade === undefined || entry.assume !== undefined || spokenOn(entry) !== null, {
    path: ['upgrade'],
    message: 'only programs that do not speak the handshake are told by the config; others say it themselves',
  })
  .refine(({ assume, protocol }) => protocol === undefined || assume !== undefined, {
    path: ['protocol'],
    message: 'only programs on a port with `assume` are given one',
  })
  .superRefine(checkSpeaking);

const learned = z
  .strictObject({
    command: z.array(z.string()).min(1).optional().describe('a program whose output holds the version'),
    http: z
      .url({ protocol: /^http$/ })
      .optional()
      .describe('a URL whose answer holds the version'),
    pattern: checked(compileVersionPattern)
      .optional()
      .describe(
        'regular expression (in the syntax of RE2: no lookaround, no backreferences) whose first group is the version; default: the first `major.minor.patch`, or `major.minor` for its patch 0',
      ),
  })
  .refine((entry) => (entry.command === undefined) !== (entry.http === undefined), {
    message: 'version has either command or http',
  });

/** Each is a descriptor, here and at the server, and is dialled anew every few seconds. */
const MAX_WARM = 1_000;

const server = z
  .strictObject({
    id: z.string().min(1).max(128).describe('its name in decisions and logs'),
    address: address.describe('`tcp://HOST:PORT` or `ws://HOST:PORT/PATH`'),
    version: z
      .union([version, learned])
      .optional()
      .describe(
        'for a server that does not speak the handshake: its version, or `command` or `http` that prints it',
      ),
    probe: z
      .enum(['connect', 'none'])
      .optional()
      .describe(
        'for a server with a stated version, whether the gate looks if it is there: `connect` opens a connection at each probe and closes it without a word; `none` asks nothing, and takes it for up until a client can not be connected to it; default: `connect`',
      ),
    speaks: z
      .enum(['mysql'])
      .optional()
      .describe(
        'what it speaks, where the gate has to know: behind a port with `speaks: mysql`; its version is then the one that it greets with, unless `version` says otherwise',
      ),
    protocol: protocolRange.optional().describe('with preset `ranges`: the protocol versions it speaks'),
    warm: z
      .int()
      .min(0)
      .max(MAX_WARM)
      .optional()
      .describe(
        'connections that are kept dialled and greeted ahead of need, for sessions to come; default: none; see "Warm connections"',
      ),
  })
  .refine(({ warm = 0, version, speaks }) => warm === 0 || (version === undefined && speaks === undefined), {
    path: ['warm'],
    message: 'only servers that speak the handshake can be greeted ahead of need',
  })
  .refine(({ probe, version }) => probe === undefined || typeof version === 'string', {
    path: ['probe'],
    message: 'only of a server whose version is stated is there nothing to ask',
  });

const release = z.strictObject({
  version: version.describe('the release'),
  level: z
    .int()
    .min(0)
    .optional()
    .describe('schema level it needs; default: that of the nearest lower release'),
  accepts: z.array(line).optional().describe('release lines of an older major whose clients it accepts'),
  window: z
    .int()
    .min(0)
    .optional()
    .describe('how many minor releases older than servers of this line a client may be'),
  lockstep: z.boolean().optional().describe('clients older than tables of this line are refused'),
  mustStop: z.boolean().optional().describe('an upgrade may not pass over this release'),
  major: z
    .strictObject({
      downtime: z.boolean().optional().describe('the upgrade to it needs downtime'),
      script: z.string().optional().describe('a migration script it needs'),
      together: z.boolean().optional().describe('clients and servers are upgraded together'),
    })
    .optional()
    .describe('what a major upgrade to this release demands'),
  notes: z.string().max(1024).optional().describe('a sentence that refusals about this release pass on'),
  link: z.string().max(1024).optional().describe('where to read more'),
});

export const configSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      "this gate's id, in every log record and towards servers; default: `HOST:PID`, its host's name and its process id",
    ),
  cluster: z.string().min(1).max(128).default('main').describe('name of the cluster, in every log record'),
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'processes that share the listeners, the limits and the ledger; each has a log of its own, `FILE.worker-N`',
    ),
  listen: z
    .array(listener)
    .min(1)
    .superRefine(eachOnce(portOf, ({ tcp }) => (tcp === undefined ? 'ws' : 'tcp'), 'listener on'))
    .describe('where clients connect'),
  reusePort: z
    .boolean()
    .default(false)
    .describe(
      'whether a second gate may listen on the same addresses, to take over from this one; see "Restarting without a refusal"',
    ),
  servers: z
    .array(server)
    .min(1)
    .superRefine(
      eachOnce(
        ({ id }) => id,
        () => 'id',
        'server',
      ),
    )
    .describe('every server of the cluster, also those that are down'),
  policy: z
    .strictObject({
      preset: z
        .enum(PRESET_NAMES as [(typeof PRESET_NAMES)[number]])
        .default('phoenix')
        .describe('the named policy to start from'),
      window: z
        .int()
        .min(0)
        .nullable()
        .optional()
        .describe('how many minor releases older than the servers a client may be; null: any number'),
      scope: z
        .enum(['cluster', 'server'])
        .optional()
        .describe('whether every server counts or only the serving one'),
      systemTables: z.boolean().optional().describe('whether releases have schema levels and upgrades run'),
      lockstep: z.boolean().optional().describe('whether clients older than lockstep tables are refused'),
      autoUpgrade: z.boolean().optional().describe('false: an upgrade needs an operator'),
    })
    .superRefine(({ preset, scope: _, ...stated }, context) => {
      if (preset !== 'ranges') return;
      for (const [key, value] of Object.entries(stated))
        if (value !== undefined)
          context.addIssue({ code: 'custom', path: [key], message: 'the preset ranges has no such rule' });
    })
    .prefault({})
    .describe('keys other than `preset` override what the preset says'),
  catalogue: z
    .strictObject({
      extends: z.enum(['phoenix', 'none']).default('phoenix').describe('the catalogue to start from'),
      lockstepBelow: version.optional().describe('M4: clients of releases below are upgraded together'),
      hopByHopBelow: version.optional().describe('M5: upgrades to releases below go minor by minor'),
      releases: z
        .array(release)
        .superRefine(
          eachOnce(
            ({ version }) => version,
            () => 'version',
            'release',
          ),
        )
        .default([])
        .describe('further releases, or replacements of known ones'),
    })
    .optional()
    .describe('releases beyond those the preset knows'),
  migration: migration.describe('the one-time upgrade of the system tables'),
  coordination: z
    .boolean()
    .default(true)
    .describe(
      "whether this gate shares with the others of its cluster, in the ledger's store, who it is, orders for all of them, and what probes find; a ledger that is `memory:` is shared with nobody",
    ),
  log: z
    .strictObject({
      file: z.string().min(1).optional().describe('NDJSON file; default: standard output'),
      format: z
        .enum(FORMATS)
        .default('json')
        .describe("`json`: records as [records](records.md) lists them; `ecs`: in Elastic's common schema"),
      durable: z.boolean().default(false).describe('sync each record to the disk before going on'),
      rotate: moreThanNone(size).prefault('64mb').describe('size at which the file is rotated to `FILE.1`'),
      keep: z.int().min(0).max(1_000).default(5).describe('number of rotated files that are kept'),
      buffer: moreThanNone(size)
        .prefault('16mb')
        .describe('memory for records while the disk is slow or full'),
      trace: z
        .enum(TRACES)
        .default('refused')
        .describe('which handshake records hold the trace of the rules looked at'),
      properties: z
        .array(z.string().min(1).max(128))
        .default(['user', 'name'])
        .describe('client properties that are recorded; of any others the log holds nothing'),
      export: z
        .strictObject({
          otlp: z
            .url({ protocol: /^https?$/ })
            .describe('URL of the receiver, such as `http://127.0.0.1:4318/v1/logs`'),
        })
        .optional()
        .describe(
          'sends every record to a receiver of OpenTelemetry logs too, by OTLP over HTTP in JSON; headers that it asks for are in the environment, as `OTEL_EXPORTER_OTLP_HEADERS`',
        ),
    })
    .prefault({})
    .describe('the decision log'),
  clients: clients.describe(
    'who clients are, by the tokens that they send; see [who a client is](identity.md)',
  ),
  identities: identities.describe(
    'who clients are, by certificate or token, and which releases each may say it is of; the first entry that fits counts',
  ),
  admin: admin.describe('the page and the API for operators; default: none'),
  timeouts: z
    .strictObject({
      handshake: moreThanNone(duration)
        .prefault('10s')
        .describe(
          'how long a client has to complete its hello; on a WebSocket port from the upgrade on, which has 10 s of its own',
        ),
      hold: duration
        .prefault('30s')
        .describe('how long a client may wait for a server, or for the end of a pause'),
      dial: moreThanNone(duration)
        .prefault('3s')
        .describe('how long connecting to a server and reading its hello may take'),
      probe: moreThanNone(duration).prefault('5s').describe('interval between probes of each server'),
      fresh: duration
        .prefault('1s')
        .describe('age from which on a server is probed again before a client is refused'),
      lameDuck: duration
        .prefault('0s')
        .describe(
          'how long a gate that is to stop still takes clients while `/ready` says no, so that balancers send them elsewhere',
        ),
      drain: duration.prefault('10s').describe('time for sessions to end when the gate stops'),
      idle: duration
        .prefault('0s')
        .describe(
          'how long a session may carry no byte either way, WebSocket pings not counted, before it is ended; 0s: as long as it likes',
        ),
    })
    .prefault({})
    .describe('how long things may take'),
  limits,
  sessions: z
    .strictObject({
      onSkew: onSkew
        .prefault('keep')
        .describe(
          'what becomes of open sessions whose clients would be refused for their version after a change of the cluster or the policy: `keep`, `close`, or `drain 10m`, which ends them evenly over that time; or that by code or rule, such as `{ CLIENT_OUTDATED: drain 10m, M1: close }`',
        ),
    })
    .prefault({})
    .describe('sessions that are open'),
  relay: z
    .enum(ENGINES)
    .default('auto')
    .describe(
      "how sessions' bytes are carried: `buffers` reads busy connections into memory that is used again, `streams` into fresh memory; `auto` is `buffers` where the running Node.js allows it. To compare them, not to tune",
    ),
});

export type Config = z.infer<typeof configSchema>;
