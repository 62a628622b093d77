/**
 * Preset `ranges`: each side states the least and greatest protocol version it speaks. A client is admitted
 * where its range overlaps with that of every server; a side that states none is refused (fail closed).
 */
import { printVersion } from '../version/version.ts';
import { listNames } from './move.ts';
import type { RuleResult } from './rule.ts';
import type { ServerSet } from './server-set.ts';
import type { ClientFacts, ProtocolRange, ServerFacts } from './types.ts';

/** The one rule of the preset `ranges`: the client's protocol versions overlap with those of every server. */
export function rangesRule(client: ClientFacts, servers: ServerSet): RuleResult {
  const rule = 'ranges';
  const mine = client.protocol;
  if (mine === undefined)
    return {
      rule,
      outcome: 'fail',
      because: 'the client states no protocol range',
      ruling: {
        verdict: 'refuse',
        code: 'VERSION_UNKNOWN',
        move: () => ({
          side: 'client',
          to: 'a release that states its protocol range',
          who: [printVersion(client.version)],
        }),
        message: () => `${whoIs(client)} states no range of protocol versions, which this policy compares.`,
      },
    };
  const silent = servers.filter((server) => server.protocol === undefined);
  if (!silent.isEmpty)
    return {
      rule,
      outcome: 'fail',
      because: () => `${idsOf(silent)} states no protocol range`,
      ruling: {
        verdict: 'refuse',
        code: 'VERSION_UNKNOWN',
        message: () => `The range of protocol versions of ${idsOf(silent)} is unknown.`,
      },
    };
  return compareRanges(client, mine, servers);
}

/** Servers that end below the client's range have to move first; those that begin above it leave the move to the client. */
function compareRanges(client: ClientFacts, mine: ProtocolRange, servers: ServerSet): RuleResult {
  const rule = 'ranges';
  const below = servers.filter((server) => rangeOf(server).max < mine.min);
  if (!below.isEmpty)
    return {
      rule,
      outcome: 'fail',
      because: () => `${listNames(below.servers.map(withRange))} ends below the client's ${print(mine)}`,
      ruling: {
        verdict: 'refuse',
        code: 'SERVER_OUTDATED',
        move: () => ({ side: 'server', to: `protocol ${mine.min}`, who: below.ids }),
        message: () =>
          `${whoIs(client)} speaks protocol ${print(mine)}: upgrade ${idsOf(below)} to protocol ${mine.min}.`,
      },
    };
  const above = servers.filter((server) => rangeOf(server).min > mine.max);
  if (!above.isEmpty) {
    const to = `protocol ${Math.max(...above.examples.map((server) => rangeOf(server).min))}`;
    return {
      rule,
      outcome: 'fail',
      because: () => `${listNames(above.servers.map(withRange))} begins above the client's ${print(mine)}`,
      ruling: {
        verdict: 'refuse',
        code: 'CLIENT_OUTDATED',
        move: () => ({ side: 'client', to, who: [printVersion(client.version)] }),
        message: () =>
          `${whoIs(client)} speaks protocol ${print(mine)}, too old for ${idsOf(above)}: upgrade the client to ${to}.`,
      },
    };
  }
  return {
    rule,
    outcome: 'pass',
    because: () => `the client's ${print(mine)} overlaps with every server's range`,
  };
}

const whoIs = ({ version }: ClientFacts) => `Client ${printVersion(version)}`;
const rangeOf = ({ protocol }: Pick<ServerFacts, 'protocol'>) => protocol as ProtocolRange;
const print = ({ min, max }: ProtocolRange) => `${min} to ${max}`;
const withRange = (server: ServerFacts) => `${server.id} (${print(rangeOf(server))})`;
const idsOf = ({ ids }: ServerSet) => listNames(ids);
