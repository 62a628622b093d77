/** Who may bring the upgrade, and when, as config states it. */
import { describe, expect, test } from 'vitest';
import { emptyRecord } from '../../src/migration/ledger/record.ts';
import { FIRST_CLIENT, missingFor, parseWindow, type TriggerRule } from '../../src/migration/trigger.ts';

const NOON = Date.UTC(2026, 0, 1, 12, 0);
const at = (time: string) => Date.parse(`2026-01-01T${time}:00Z`);
const CLIENT = { name: 'app-1', identity: 'app-1' };

function missing(rule: Partial<TriggerRule>, situation: Partial<Situation> = {}): string | null {
  return stillMissing(rule, situation)?.for ?? null;
}

function stillMissing(
  rule: Partial<TriggerRule>,
  { seen = [], approved = false, client = CLIENT, now = NOON }: Partial<Situation> = {},
) {
  const approval = approved ? { by: 'olga', reason: '', at: 0 } : null;
  return missingFor(
    { ...FIRST_CLIENT, ...rule },
    { ...emptyRecord('main'), seen: [...seen], approval },
    client,
    now,
  );
}

interface Situation {
  readonly seen: readonly string[];
  readonly approved: boolean;
  readonly client: { readonly name: string | null; readonly identity: string };
  readonly now: number;
}

test('[M3] by default the first newer client brings it', () => {
  expect(missing({})).toBeNull();
});

describe('approval', () => {
  test('no client brings it before an operator approved, any does after', () => {
    expect(missing({ approval: true })).toBe("an operator's approval");
    expect(missing({ approval: true }, { approved: true })).toBeNull();
  });

  test('an approval stands for everything else that is asked for', () => {
    const rule = { approval: true, canary: 'canary', clients: 5, window: { from: 0, to: 1 } };
    expect(missing(rule)).not.toBeNull();
    expect(missing(rule, { approved: true })).toBeNull();
  });
});

describe('a canary', () => {
  test('only the client of that name brings it; one without a name does not', () => {
    expect(missing({ canary: 'canary-1' })).toBe('the client named canary-1');
    expect(missing({ canary: 'canary-1' }, { client: { name: 'canary-1', identity: 'x' } })).toBeNull();
    expect(missing({ canary: 'canary-1' }, { client: { name: null, identity: 'canary-1' } })).not.toBeNull();
  });
});

describe('a window', () => {
  const night = { window: parseWindow('02:00-04:30') };
  const overMidnight = { window: parseWindow('22:30-01:15') };

  test.each([
    ['01:59', false],
    ['02:00', true],
    ['04:29', true],
    ['04:30', false],
    ['14:00', false],
  ])('02:00-04:30 at %s UTC: %s', (time, open) => {
    expect(missing(night, { now: at(time) })).toBe(open ? null : 'the window from 02:00 to 04:30 UTC');
  });

  test.each([
    ['22:29', false],
    ['22:30', true],
    ['23:59', true],
    ['00:00', true],
    ['01:14', true],
    ['01:15', false],
    ['12:00', false],
  ])('22:30-01:15, past midnight, at %s UTC: %s', (time, open) => {
    expect(missing(overMidnight, { now: at(time) }) === null).toBe(open);
  });

  test.each(['2:00-4:00', '02:00', '24:00-01:00', '02:60-03:00', '02:00–04:00', ' 02:00-04:00', ''])(
    '%j is no window',
    (text) => {
      expect(parseWindow(text)).toBeNull();
    },
  );
});

describe('distinct newer clients', () => {
  test('the one that makes the number full brings it', () => {
    expect(missing({ clients: 3 })).toBe('3 distinct newer clients (1 so far)');
    expect(missing({ clients: 3 }, { seen: ['a'] })).toBe('3 distinct newer clients (2 so far)');
    expect(missing({ clients: 3 }, { seen: ['a', 'b'] })).toBeNull();
  });

  test('the same client again does not count twice', () => {
    expect(missing({ clients: 2 }, { seen: ['app-1'] })).toBe('2 distinct newer clients (1 so far)');
  });
});

test('all that is stated has to hold', () => {
  const rule = { canary: 'app-1', clients: 2, window: parseWindow('02:00-04:30') };
  expect(missing(rule, { seen: ['b'], now: at('03:00') })).toBeNull();
  expect(missing(rule, { seen: ['b'] })).toMatch(/window/);
  expect(missing(rule, { now: at('03:00') })).toMatch(/distinct/);
  expect(missing(rule, { seen: ['b'], now: at('03:00'), client: { name: 'b', identity: 'b' } })).toMatch(
    /named/,
  );
});

describe('the fact that says what helps', () => {
  test('a window says when it opens, today or tomorrow', () => {
    const night = { window: parseWindow('02:00-04:30') };
    expect(stillMissing(night, { now: at('01:00') })?.missing).toEqual({
      kind: 'window',
      opensAt: at('02:00'),
    });
    expect(stillMissing(night, { now: at('12:00') })?.missing).toEqual({
      kind: 'window',
      opensAt: at('02:00') + 24 * 60 * 60_000,
    });
  });

  test('each kind has what its refusal names', () => {
    expect(stillMissing({ approval: true })?.missing).toEqual({ kind: 'approval' });
    expect(stillMissing({ canary: 'c' })?.missing).toEqual({ kind: 'canary', name: 'c' });
    expect(stillMissing({ clients: 3 })?.missing).toEqual({ kind: 'clients', more: 2 });
  });
});
