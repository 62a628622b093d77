/** What holds by an operator's word: pauses and drains, with who, why and how long, and the way back. */
import { h } from '../dom.js';
import { button, progress, table, tag } from '../parts.js';
import { ago, duration, number, said, timeOf } from '../text.js';

/** @import { Data, Order, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'what', class: 'id' },
  { title: 'where' },
  { title: 'by' },
  { title: 'since' },
  { title: 'until' },
  { title: 'sessions' },
  { title: 'acts', class: 'acts' },
];

/** @param {Data} data @param {Verbs} verbs */
export function ordersPanel({ orders, now }, verbs) {
  if (orders.length === 0) return [];
  const rows = orders.map((order) => ({ key: order.id, cells: cells(order, now, verbs) }));
  return [
    h('h2', { id: 'orders-title' }, 'In force', h('span', { class: 'count' }, 'by an operator')),
    table({ label: 'Orders in force', columns: COLUMNS, rows, empty: '' }),
  ];
}

/**
 * What an order is about, as the verb that takes it back names it.
 * @param {Order} order
 * @returns {Record<string, string>}
 */
export function subjectOf({ target: { kind, name }, scope }) {
  return {
    ...(name === null ? { gate: '' } : { [kind]: name }),
    ...(scope === 'cluster' && { allGates: 'on' }),
  };
}

/** @param {Order} order @param {number} now @param {Verbs} verbs */
function cells(order, now, verbs) {
  const { what, target, by, reason, at, until, scope } = order;
  const name = target.name ?? '';
  const kind = target.kind === 'gate' ? 'the gate' : target.kind;
  const end = timeOf(until);
  const [back, label] = what === 'pause' ? ['resume', 'Resume'] : ['undrain', 'Undrain'];
  return [
    [tag('warn', what), ' ', kind, ' ', said(name, '', 60)],
    scope === 'cluster' ? 'all gates' : 'this gate',
    [said(by, '', 60), reason !== '' && [': ', said(reason, 'soft', 160)]],
    ago(timeOf(at) ?? now, now),
    end === null ? 'it is taken back' : duration(Math.max(0, end - now)),
    what === 'drain' && ending(order),
    button(label, () => verbs.open(back, subjectOf(order)), {
      class: 'small',
      name: `${label} ${kind} ${name}`,
    }),
  ];
}

/** How far a drain is at this gate. @param {Order} order */
function ending({ sessions, left, overMs }) {
  if (sessions === 0) return 'none had to end';
  const words = left === 0 ? `all ${number(sessions)} ended` : `${number(left)} of ${number(sessions)} left`;
  const pace = overMs === null ? ', as they like' : `, evenly over ${duration(overMs)}`;
  return [words, left > 0 && pace, left > 0 && progress('Sessions that ended', 1 - left / sessions)];
}
