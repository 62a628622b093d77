/** Describes the picture of a report in words. */
import { seconds } from '../../config/units.ts';
import type { Report } from '../run.ts';
import type { Summary } from './summary.ts';

/** The description for readers who can't see the picture. */
export function inWords({ nodes, start }: Report, summary: Summary): string {
  const servers = [
    ...Map.groupBy(
      nodes.filter(({ version }) => version !== null),
      ({ id }) => id,
    ),
  ].map(([id, spans]) => {
    const moves = spans.filter(({ version }, at) => at === 0 || version !== spans[at - 1]?.version);
    return `${id} on ${moves.map(({ version, from }, at) => (at === 0 ? version : `${version} from ${seconds(from - start)}`)).join(', ')}`;
  });
  const upgrades = summary.upgrades.map(
    ({ level, begin, end, outcome }) =>
      `upgrade to level ${level} from ${seconds(begin)}${end === null ? '' : ` to ${seconds(end)}`}, ${outcome}`,
  );
  const { admitted, refused, dropped } = summary;
  return [
    `Servers: ${servers.join('; ')}.`,
    `${admitted} clients admitted, ${refused} refused, ${dropped} sessions dropped.`,
    ...(upgrades.length > 0 ? [`System tables: ${upgrades.join('; ')}.`] : []),
  ].join(' ');
}
