/** `skewgate explain`: what the policy says of one client and a set of servers, offline. */
import type { Command } from 'commander';
import { parseRange } from '../../client/url.ts';
import type { OfflineConfig } from '../../config/offline.ts';
import { policyOf } from '../../config/policy.ts';
import { didYouMean } from '../../config/suggest.ts';
import { Authentication } from '../../gateway/authentication.ts';
import { decide } from '../../policy/decide.ts';
import { PRESETS } from '../../policy/presets.ts';
import { type ClientFacts, type Decision, hasSystemTables, type ServerFacts } from '../../policy/types.ts';
import { levelOf } from '../../version/catalogue.ts';
import { parseVersion, type Version } from '../../version/version.ts';
import { readLedgerFacts } from '../ledger-facts.ts';
import { addPolicyOptions, offlineConfig, type PolicyOptions } from '../policy-options.ts';
import { describe } from '../print.ts';
import { printableJson } from '../printable.ts';
import { collect, UsageError, wholeNumber } from '../usage.ts';

interface Options extends PolicyOptions {
  readonly client: string;
  readonly server?: string[];
  readonly level?: number;
  readonly json?: true;
  readonly mustNotUpgrade?: true;
  readonly identity?: string;
}

/** Defines `explain`. */
export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'Show what the policy decides for a client and a set of servers, and why. With --config, what the ledger records about the system tables and their upgrade is taken into account, if it can be read. Exit status 0: permit or migrate; 1: hold or refuse; 2: wrong usage.',
    )
    .requiredOption('--client <version>', "the client's version; VERSION@MIN..MAX states protocol versions")
    .option('--server <version>', 'a server\'s version, or "unknown"; repeat for each server', collect)
    .option(
      '--level <n>',
      "schema level of the system tables (default: the ledger's with --config, else that of the oldest server's release)",
      wholeNumber,
    )
    .option(
      '--identity <name>',
      'the client is known by this name of the config, which says what it may be of',
    )
    .option('--must-not-upgrade', 'the client states that it must not start the upgrade')
    .option('--json', 'print one JSON object');
  addPolicyOptions(command).action(explain);
}

async function explain(options: Options): Promise<void> {
  if (options.server === undefined) throw new UsageError('state at least one --server');
  const config = await offlineConfig(options);
  const policy = config === null ? PRESETS[options.preset ?? 'phoenix'] : policyOf(config);
  const { version, ...range } = parseSide(options.client);
  const unclaimed = claimRefused(version, config, options);
  if (unclaimed !== null) return show(unclaimed, options);
  const client: ClientFacts = { version, ...range, upgrade: options.mustNotUpgrade ? 'must-not' : 'may' };
  const servers = options.server.map(
    (text, at): ServerFacts => ({
      id: `server-${at + 1}`,
      state: 'up',
      ...(text === 'unknown' ? { version: null } : parseSide(text)),
    }),
  );
  const ledger = config !== null && hasSystemTables(policy) ? await factsOf(config, options) : null;
  const decision = decide(
    client,
    {
      servers,
      level: options.level ?? ledger?.level ?? null,
      upgrade: ledger?.upgrade ?? { state: 'idle' },
    },
    policy,
  );
  show(decision, options);
}

function show(decision: Decision, { json }: Options): void {
  console.log(json ? printableJson(decision) : describe(decision));
  process.exitCode = decision.verdict === 'permit' || decision.verdict === 'migrate' ? 0 : 1;
}

/** What comes before policy: whether who the client is may be of that release. @throws {UsageError} */
function claimRefused(
  version: Version,
  config: OfflineConfig | null,
  { identity }: Options,
): Decision | null {
  if (identity === undefined) return null;
  if (config === null) throw new UsageError('--identity is a name of the config: state --config too');
  const authentication = new Authentication(config);
  const { names } = authentication;
  if (!names.includes(identity))
    throw new UsageError(
      `the config knows no ${JSON.stringify(identity)}${didYouMean(identity, names) || `: it knows ${names.join(', ') || 'nobody'}`}`,
    );
  return authentication.claimBy(identity, version);
}

/** What the ledger says, and where it says nothing the config's baseline. */
async function factsOf(config: OfflineConfig, { config: file = '' }: Options) {
  const { level, upgrade, note } = await readLedgerFacts(config, file);
  if (note !== null) console.error(`skewgate: ${note}`);
  const { baseline } = config.migration;
  const policy = policyOf(config);
  if (level !== null || baseline === undefined || policy.kind !== 'skew') return { level, upgrade };
  return { level: levelOf(policy.catalogue, parseVersion(baseline)), upgrade };
}

/** `4.14.0` or `4.14.0@3..5` */
function parseSide(text: string) {
  const at = text.indexOf('@');
  if (at < 0) return { version: parseVersion(text) };
  return { version: parseVersion(text.slice(0, at)), protocol: parseRange(text.slice(at + 1)) };
}
