import { describe, expect, test } from 'vitest';
import { CODE_NAMES, CODES } from '../../src/policy/codes.ts';
import { RULES, VERDICTS } from '../../src/policy/types.ts';
import { closeCodeOf, closeReasonOf, GOING_AWAY, NORMAL, TEXT_REFUSED } from '../../src/wire/close.ts';

/** Programs read these: a change here breaks them. New codes go to the end. */
const PINNED = [
  ['PERMITTED', null, null, 'never', 4000],
  ['UPGRADE_NEEDED', null, null, 'later', 4001],
  ['SERVER_OUTDATED', 2007, 'INT09', 'after-change', 4002],
  ['CLIENT_OUTDATED', null, null, 'after-change', 4003],
  ['MAJOR_MISMATCH', 2006, 'INT08', 'after-change', 4004],
  ['LOCKSTEP', null, null, 'after-change', 4005],
  ['DOWNTIME_REQUIRED', null, null, 'later', 4006],
  ['VERSION_UNKNOWN', null, null, 'later', 4007],
  ['SERVER_BEHIND_TABLES', null, null, 'after-change', 4008],
  ['UPGRADE_IN_PROGRESS', 2010, 'INT12', 'later', 4009],
  ['UPGRADE_REQUIRED', 2011, 'INT13', 'after-change', 4010],
  ['UPGRADE_BLOCKED', 2017, 'INT19', 'after-change', 4011],
  ['UPGRADE_FAILED', null, null, 'later', 4012],
  ['NO_SERVER', null, null, 'later', 4013],
  ['SERVER_UNREACHABLE', null, null, 'later', 4014],
  ['BAD_HANDSHAKE', null, null, 'never', 4015],
  ['PROTOCOL_UNSUPPORTED', null, null, 'never', 4016],
  ['HANDSHAKE_TIMEOUT', null, null, 'later', 4017],
  ['TOO_MANY_CONNECTIONS', null, null, 'later', 4018],
  ['DRAINING', null, null, 'later', 4019],
  ['PAUSED', null, null, 'later', 4020],
  ['NOT_AUTHENTICATED', null, null, 'after-change', 4021],
  ['LEDGER_UNAVAILABLE', null, null, 'later', 4022],
  ['CLIENT_LEFT', null, null, 'later', 4023],
  ['RELEASE_DRAINED', null, null, 'after-change', 4024],
  ['KICKED', null, null, 'later', 4025],
  ['CLAIM_NOT_ALLOWED', null, null, 'after-change', 4026],
  ['SESSION_IDLE', null, null, 'later', 4027],
  ['CLAIM_MISSING', null, null, 'after-change', 4028],
] as const;

describe('what programs rely on', () => {
  test('there are these codes, in this order, and no others', () => {
    expect(CODE_NAMES).toEqual(PINNED.map(([code]) => code));
  });

  test.each(PINNED)('%s: vendor code %s, SQLState %s, retry %s, close code %i', (code, ...facts) => {
    const { vendorCode, sqlState, retry } = CODES[code];
    expect([vendorCode, sqlState, retry, closeCodeOf(code)]).toEqual(facts);
  });

  test('each code has a meaning of its own for the reference table', () => {
    const meanings = CODE_NAMES.map((code) => CODES[code].meaning);
    expect(new Set(meanings).size).toBe(PINNED.length);
    for (const meaning of meanings) expect(meaning).toMatch(/^\S.{5,}[^.]$/);
  });

  test('what a held client waits for', () => {
    const waiting = CODE_NAMES.filter((code) => CODES[code].waitsFor !== null);
    expect(waiting.map((code) => [code, CODES[code].waitsFor])).toEqual([
      ['UPGRADE_NEEDED', 'upgrade'],
      ['UPGRADE_IN_PROGRESS', 'upgrade'],
      ['NO_SERVER', 'server'],
      ['SERVER_UNREACHABLE', 'server'],
      ['PAUSED', 'operator'],
    ]);
  });

  test('only lockstep and downtime end sessions that are open, and skew where the config says so', () => {
    const ending = CODE_NAMES.filter((code) => CODES[code].endsSessions);
    expect(ending.map((code) => [code, CODES[code].endsSessions])).toEqual([
      ['SERVER_OUTDATED', 'skew'],
      ['CLIENT_OUTDATED', 'skew'],
      ['MAJOR_MISMATCH', 'skew'],
      ['LOCKSTEP', 'lockstep'],
      ['DOWNTIME_REQUIRED', 'downtime'],
    ]);
  });

  test('verdicts and rule ids', () => {
    expect(VERDICTS).toEqual(['permit', 'migrate', 'hold', 'refuse']);
    expect(RULES).toEqual(['P1', 'M1', 'M2', 'M3', 'M4', 'M5', 'J1', 'N1', 'ranges', 'gate']);
  });
});

describe('WebSocket close codes', () => {
  test('those of the standard', () => {
    expect([NORMAL.code, GOING_AWAY.code, TEXT_REFUSED.code]).toEqual([1000, 1001, 1003]);
  });

  test('all are in the range for applications', () => {
    for (const code of CODE_NAMES) {
      expect(closeCodeOf(code)).toBeGreaterThanOrEqual(4000);
      expect(closeCodeOf(code)).toBeLessThanOrEqual(4999);
    }
  });

  test('a reason begins with the code and never has more than the 123 bytes that fit', () => {
    expect(closeReasonOf('SERVER_OUTDATED', 'upgrade s1')).toEqual({
      code: 4002,
      reason: 'SERVER_OUTDATED: upgrade s1',
    });
    for (const message of ['x'.repeat(1_000), 'ü'.repeat(1_000), '€'.repeat(1_000), '😀'.repeat(1_000)])
      for (const code of CODE_NAMES) {
        const { reason } = closeReasonOf(code, message);
        expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
        expect(new TextEncoder().encode(reason).length).toBeGreaterThan(119);
        expect(`${code}: ${message}`.startsWith(reason)).toBe(true);
        expect(reason.isWellFormed()).toBe(true);
      }
  });
});
