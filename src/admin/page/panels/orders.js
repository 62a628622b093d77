/** What holds by an operator's word: pauses and drains, with who, why and how long, and the way back. */
import { h } from '../dom.js';
import { button, table, tag } from '../parts.js';
import { ago, duration, said, timeOf } from '../text.js';

/** @import { Data, Order, Verbs } from '../shapes.ts' */

const COLUMNS = [
  { title: 'what', class: 'id' },
  { title: 'where' },
  { title: 'by' },
  { title: 'since' },
  { title: 'until' },
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
 * @param {Order['target']} target
 * @returns {Record<string, string>}
 */
export function subjectOf(target) {
  if (target.kind !== 'gate' && target.name !== null) return { [target.kind]: target.name };
  return {};
}

/** @param {Order} order @param {number} now @param {Verbs} verbs */
function cells(order, now, verbs) {
  const { what, target, by, reason, at, until, overMs, scope } = order;
  const subject = subjectOf(target);
  const [[kind, name] = ['the gate', '']] = Object.entries(subject);
  const end = timeOf(until);
  const back = what === 'pause' ? 'resume' : 'undrain';
  return [
    [tag('warn', what), ' ', kind, ' ', said(name, '', 60)],
    scope === 'cluster' ? 'all gates' : 'this gate',
    [said(by, '', 60), reason !== '' && [': ', said(reason, 'soft', 160)]],
    ago(timeOf(at) ?? now, now),
    [
      end === null ? 'it is taken back' : duration(Math.max(0, end - now)),
      overMs !== null && `, evenly over ${duration(overMs)}`,
    ],
    button(what === 'pause' ? 'Resume' : 'Undrain', () => verbs.open(back, subject), {
      class: 'small',
      name: `${back} ${kind} ${name}`,
    }),
  ];
}
