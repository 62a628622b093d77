/** The generated tables about codes and messages, in Markdown. */
import { CODE_NAMES, CODES } from '../src/policy/codes.ts';
import { closeCodeOf } from '../src/wire/close.ts';
import { MESSAGES, type MessageName } from '../src/wire/messages.ts';
import { type Node, schemaOf } from './schema.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const ticked = (text: string | number) => `\`${text}\``;
const orNone = (value: string | number | null) => (value === null ? '' : ticked(value));
export const hex = (byte: number) => `0x${byte.toString(16).padStart(2, '0')}`;

/** Of `skew` it is the config that says so. */
const ENDS_SESSIONS = { lockstep: 'yes', downtime: 'yes', skew: 'by `sessions.onSkew`', false: '' } as const;

export function codesTable(): string {
  const rows = CODE_NAMES.map((code) => {
    const { vendorCode, sqlState, retry, waitsFor, endsSessions, meaning } = CODES[code];
    return [
      ticked(code),
      orNone(vendorCode),
      orNone(sqlState),
      ticked(retry),
      waitsFor ?? '',
      ENDS_SESSIONS[String(endsSessions) as keyof typeof ENDS_SESSIONS],
      meaning,
    ];
  });
  return table(
    ['code', 'vendor code', 'SQLState', 'retry', 'held client waits for', 'ends sessions', 'meaning'],
    rows,
  );
}

export function closeCodesTable(): string {
  const fixed = [
    ['1000', 'both sides have ended, or the other side closed in order'],
    ['1002', "the peer broke WebSocket's own rules"],
    ['1003', 'the peer sent a text message'],
    ['1007', 'the peer sent text that is not UTF-8'],
    ['1008', 'the peer sent a message of more than 16,384 fragments'],
    ['1009', 'the peer sent a message of more than 1 MiB, or before the permit one longer than any hello'],
  ];
  const refusals = CODE_NAMES.map((code) => [String(closeCodeOf(code)), `refused: ${ticked(code)}`]);
  return table(['close code', 'why'], [...fixed, ...refusals]);
}

export function messagesTable(): string {
  const rows = names().map((name) => {
    const { type, from, to, about } = MESSAGES[name];
    return [ticked(hex(type)), ticked(name), `${from} to ${to}`, about];
  });
  return table(['type', 'message', 'direction', 'meaning'], rows);
}

/** A heading and a table of fields for each message. */
export function fieldTables(): string {
  return names()
    .map((name) => `### ${hex(MESSAGES[name].type)} ${name}\n\n${table(HEAD, rowsOf(schemaOf(name), ''))}`)
    .join('\n\n');
}

const HEAD = ['field', 'type', 'limits', 'if absent', 'meaning'];
const names = () => Object.keys(MESSAGES) as MessageName[];

function rowsOf(node: Node, path: string): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = `${path}${key}`;
    if (child.$ref !== undefined)
      return [[ticked(name), 'map', '', 'fault', 'the fields of [refuse](#0x04-refuse)']];
    const { bare, nullable } = withoutNull(child);
    const type = `${typeOf(bare)}${nullable ? ' or nil' : ''}`;
    const absent = node.required?.includes(key) ? 'fault' : defaultOf(child);
    const row = [ticked(name), type, limitsOf(bare), absent, child.description ?? ''];
    const below = bare.items ? rowsOf(bare.items, `${name}[].`) : rowsOf(bare, `${name}.`);
    return [row, ...below];
  });
}

function withoutNull(node: Node): { bare: Node; nullable: boolean } {
  const bare = node.anyOf?.find(({ type }) => type !== 'null');
  return bare === undefined ? { bare: node, nullable: false } : { bare, nullable: true };
}

function typeOf({ type, enum: values, items, additionalProperties }: Node): string {
  if (values !== undefined) return 'one of';
  if (type === 'array') return `array of ${items?.type === 'object' ? 'maps' : `${items?.type}s`}`;
  if (type === 'object') return additionalProperties ? 'map of strings' : 'map';
  return String(type);
}

function limitsOf(node: Node): string {
  const { enum: values, items, propertyNames: keys, additionalProperties: entries } = node;
  if (values !== undefined) return values.map((value) => ticked(String(value))).join(', ');
  if (node.type === 'string') return lengthOf(node);
  if (node.type === 'array')
    return `at most ${node.maxItems}${items?.type === 'string' ? `, each ${lengthOf(items)}` : ''}`;
  if (keys && entries)
    return `at most ${node.maxProperties}; keys ${lengthOf(keys)}, values ${lengthOf(entries)}`;
  return node.minimum === undefined ? '' : boundsOf(node);
}

function lengthOf({ minLength = 0, maxLength }: Node): string {
  return minLength === maxLength ? `length ${maxLength}` : `length ${minLength} to ${maxLength}`;
}

function boundsOf({ minimum, maximum }: Node): string {
  const spell = (value: number | undefined) =>
    Math.abs(value ?? 0) === Number.MAX_SAFE_INTEGER
      ? `${(value ?? 0) < 0 ? '-' : ''}(2^53 - 1)`
      : String(value);
  return `${spell(minimum)} to ${spell(maximum)}`;
}

function defaultOf({ default: value }: Node): string {
  if (value === undefined) return 'unknown';
  if (value === null) return 'nil';
  return ticked(typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value));
}
