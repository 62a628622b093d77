/**
 * Preset `ranges`: each side states the least and greatest protocol version it speaks. A client is admitted
 * where its range overlaps with that of every server; a side that states none is refused (fail closed).
 */
import { printVersion } from '../version/version.ts';
import type { RuleResult } from './rule.ts';
import type { ClientFacts, ProtocolRange, ServerFacts } from './types.ts';

/** The one rule of the preset `ranges`: the client's protocol versions overlap with those of every server. */
export function rangesRule(client: ClientFacts, servers: readonly ServerFacts[]): RuleResult {
  const rule = 'ranges';
  const mine = client.protocol;
  const who = `Client ${printVersion(client.version)}`;
  if (mine === undefined)
    return {
      rule,
      outcome: 'fail',
      because: 'the client states no protocol range',
      ruling: {
        verdict: 'refuse',
        code: 'VERSION_UNKNOWN',
        move: {
          side: 'client',
          to: 'a release that states its protocol range',
          who: [printVersion(client.version)],
        },
        message: `${who} states no range of protocol versions, which this policy compares.`,
      },
    };
  const silent = servers.filter((server) => server.protocol === undefined);
  if (silent.length > 0)
    return {
      rule,
      outcome: 'fail',
      because: `${ids(silent)} states no protocol range`,
      ruling: {
        verdict: 'refuse',
        code: 'VERSION_UNKNOWN',
        message: `The range of protocol versions of ${ids(silent)} is unknown.`,
      },
    };
  const below = servers.filter((server) => range(server).max < mine.min);
  if (below.length > 0)
    return {
      rule,
      outcome: 'fail',
      because: `${below.map(show).join(', ')} ends below the client's ${print(mine)}`,
      ruling: {
        verdict: 'refuse',
        code: 'SERVER_OUTDATED',
        move: { side: 'server', to: `protocol ${mine.min}`, who: below.map(({ id }) => id) },
        message: `${who} speaks protocol ${print(mine)}: upgrade ${ids(below)} to protocol ${mine.min}.`,
      },
    };
  const above = servers.filter((server) => range(server).min > mine.max);
  if (above.length > 0) {
    const to = `protocol ${Math.max(...above.map((server) => range(server).min))}`;
    return {
      rule,
      outcome: 'fail',
      because: `${above.map(show).join(', ')} begins above the client's ${print(mine)}`,
      ruling: {
        verdict: 'refuse',
        code: 'CLIENT_OUTDATED',
        move: { side: 'client', to, who: [printVersion(client.version)] },
        message: `${who} speaks protocol ${print(mine)}, too old for ${ids(above)}: upgrade the client to ${to}.`,
      },
    };
  }
  return { rule, outcome: 'pass', because: `the client's ${print(mine)} overlaps with every server's range` };
}

const range = (server: ServerFacts) => server.protocol as ProtocolRange;
const print = ({ min, max }: ProtocolRange) => `${min} to ${max}`;
const show = (server: ServerFacts) => `${server.id} (${print(range(server))})`;
const ids = (servers: readonly ServerFacts[]) => servers.map(({ id }) => id).join(', ');
