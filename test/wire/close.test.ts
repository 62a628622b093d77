import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODE_NAMES } from '../../src/policy/codes.ts';
import { closeCodeOf, closeReasonOf, NORMAL, TEXT_REFUSED, truncate } from '../../src/wire/close.ts';

test('close codes are what they always were: clients go by them', () => {
  expect(Object.fromEntries(CODE_NAMES.map((code) => [code, closeCodeOf(code)]))).toMatchObject({
    PERMITTED: 4000,
    UPGRADE_NEEDED: 4001,
    SERVER_OUTDATED: 4002,
    CLIENT_OUTDATED: 4003,
    MAJOR_MISMATCH: 4004,
    LOCKSTEP: 4005,
    DOWNTIME_REQUIRED: 4006,
    VERSION_UNKNOWN: 4007,
    SERVER_BEHIND_TABLES: 4008,
    UPGRADE_IN_PROGRESS: 4009,
    UPGRADE_REQUIRED: 4010,
    UPGRADE_BLOCKED: 4011,
    UPGRADE_FAILED: 4012,
    NO_SERVER: 4013,
    SERVER_UNREACHABLE: 4014,
    BAD_HANDSHAKE: 4015,
    PROTOCOL_UNSUPPORTED: 4016,
    HANDSHAKE_TIMEOUT: 4017,
    TOO_MANY_CONNECTIONS: 4018,
    DRAINING: 4019,
    PAUSED: 4020,
    NOT_AUTHENTICATED: 4021,
    LEDGER_UNAVAILABLE: 4022,
    CLIENT_LEFT: 4023,
    RELEASE_DRAINED: 4024,
    KICKED: 4025,
    CLAIM_NOT_ALLOWED: 4026,
  });
  expect([NORMAL.code, TEXT_REFUSED.code]).toEqual([1000, 1003]);
});

test('a reason fits into a close frame and never ends inside a character', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CODE_NAMES),
      fc.string({ unit: 'binary', maxLength: 300 }),
      (code, text) => {
        const { reason } = closeReasonOf(code, text);
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
        expect(reason.isWellFormed()).toBe(true);
        expect(reason.startsWith(`${code}: `)).toBe(true);
      },
    ),
  );
  expect(truncate('é'.repeat(100), 123)).toBe('é'.repeat(61));
  expect(truncate('🙂🙂', 7)).toBe('🙂');
  expect(truncate('short', 123)).toBe('short');
});
