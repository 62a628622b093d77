/** What becomes of a client while the one-time upgrade runs, waits, is blocked or has failed. */
import { describe, expect, test } from 'vitest';
import { PRESETS } from '../../src/policy/presets.ts';
import type { MissingForUpgrade } from '../../src/policy/types.ts';
import { judged } from '../support/facts.ts';

describe('where the upgrade stands', () => {
  const needy = (upgrade: Parameters<typeof judged>[2]) =>
    judged('4.15.0', ['4.15.0'], { level: 28, ...upgrade });
  const old = (upgrade: Parameters<typeof judged>[2]) =>
    judged('4.14.0', ['4.15.0'], { level: 28, ...upgrade });

  test('[M3] running: who needs it waits, who does not is let in', () => {
    const upgrade = { state: 'running', downtime: false } as const;
    expect(needy({ upgrade })).toMatchObject({
      verdict: 'hold',
      code: 'UPGRADE_IN_PROGRESS',
      move: null,
      retry: 'later',
      vendorCode: 2010,
      sqlState: 'INT12',
    });
    expect(old({ upgrade }).verdict).toBe('permit');
  });

  test('[J1] running with downtime: everybody stays out until it is done', () => {
    const upgrade = { state: 'running', downtime: true } as const;
    for (const decision of [needy({ upgrade }), old({ upgrade })])
      expect(decision).toMatchObject({
        verdict: 'refuse',
        code: 'DOWNTIME_REQUIRED',
        rule: 'J1',
        move: null,
        retry: 'later',
        vendorCode: null,
      });
    expect(judged('4.16.0', ['4.15.0'], { level: 28, upgrade }).code).toBe('SERVER_OUTDATED');
  });

  test('[M3] running, and the config has everybody wait: also who does not need it', () => {
    const upgrade = { state: 'running', downtime: false, holdAll: true } as const;
    for (const decision of [needy({ upgrade }), old({ upgrade })])
      expect(decision).toMatchObject({ verdict: 'hold', code: 'UPGRADE_IN_PROGRESS', vendorCode: 2010 });
    expect(judged('4.10.0', ['4.15.0'], { level: 28, upgrade }).code).toBe('CLIENT_OUTDATED');
  });

  test.each<[MissingForUpgrade, object]>([
    [{ kind: 'approval' }, { move: { side: 'operator', to: 'approve' }, retry: 'after-change' }],
    [
      { kind: 'canary', name: 'c' },
      { move: { side: 'operator', to: 'approve' }, retry: 'after-change' },
    ],
    [
      { kind: 'clients', more: 2 },
      { move: { side: 'client', to: '4.15.0', who: ['2 more'] }, retry: 'after-change' },
    ],
    [
      { kind: 'catalogue', remedy: 'give release 5.0.0 an entry "major"' },
      { move: { side: 'operator', to: 'give release 5.0.0 an entry "major"' }, retry: 'after-change' },
    ],
    [
      { kind: 'config', remedy: 'state a hook' },
      { move: { side: 'operator', to: 'state a hook' }, retry: 'after-change' },
    ],
    [{ kind: 'ledger' }, { move: { side: 'operator', to: 'accept-ledger' }, retry: 'after-change' }],
    [
      { kind: 'window', opensAt: 90_500 },
      { move: null, retry: 'later', retryAfterMs: 90_500 },
    ],
  ])('[M3] waiting for %j: who needs it is told the move that helps with just that', (missing, told) => {
    const upgrade = { state: 'waiting', for: 'what it waits for', missing } as const;
    const decision = needy({ upgrade });
    expect(decision).toMatchObject({
      verdict: 'refuse',
      code: 'UPGRADE_REQUIRED',
      vendorCode: 2011,
      ...told,
    });
    expect(decision.message).toContain('what it waits for');
    expect(decision.message.includes('approve')).toBe(
      !['catalogue', 'config', 'window', 'ledger'].includes(missing.kind),
    );
    expect(old({ upgrade }).verdict).toBe('permit');
  });

  test('[M3] blocked: the operator must unblock, the reason is passed on', () => {
    const upgrade = { state: 'blocked', reason: 'freeze until Monday', until: null } as const;
    const decision = needy({ upgrade });
    expect(decision).toMatchObject({
      verdict: 'refuse',
      code: 'UPGRADE_BLOCKED',
      rule: 'M3',
      move: { side: 'operator', to: 'unblock', who: ['operator'] },
      retry: 'after-change',
      vendorCode: 2017,
      sqlState: 'INT19',
    });
    expect(decision.message).toContain('freeze until Monday');
    expect(old({ upgrade }).verdict).toBe('permit');
  });

  test.each([
    { state: 'blocked', reason: 'freeze', until: 5_000 },
    { state: 'failed', error: 'disk full', retryAt: 5_000 },
  ] as const)('[M3] $state until a time: whole milliseconds, not too early', (upgrade) => {
    expect(needy({ upgrade, now: 2_000.75 }).retryAfterMs).toBe(3_000);
    expect(needy({ upgrade, now: 4_999.5 }).retryAfterMs).toBe(1);
  });

  test('[M3] failed: come again at the next attempt, and from then on bring it', () => {
    const upgrade = { state: 'failed', error: 'disk full', retryAt: 5_000 } as const;
    const early = needy({ upgrade, now: 2_000 });
    expect(early).toMatchObject({
      verdict: 'refuse',
      code: 'UPGRADE_FAILED',
      move: null,
      retry: 'later',
      retryAfterMs: 3_000,
    });
    expect(early.message).toContain('disk full');
    expect(needy({ upgrade, now: 4_999 }).retryAfterMs).toBe(1);
    expect(needy({ upgrade, now: 5_000 }).code).toBe('UPGRADE_NEEDED');
    expect(old({ upgrade, now: 2_000 }).verdict).toBe('permit');
  });

  test('[M3] failed for good: an operator has to act', () => {
    const upgrade = { state: 'failed', error: 'disk full', retryAt: null } as const;
    expect(needy({ upgrade, now: 1e15 })).toMatchObject({
      verdict: 'refuse',
      code: 'UPGRADE_FAILED',
      move: { side: 'operator', to: 'retry' },
      retry: 'after-change',
      retryAfterMs: null,
    });
    expect(old({ upgrade }).verdict).toBe('permit');
  });

  test('[M3] the ledger out of reach: who needs the upgrade is refused, who does not is let in', () => {
    const upgrade = { state: 'unavailable' } as const;
    expect(needy({ upgrade })).toMatchObject({
      verdict: 'refuse',
      code: 'LEDGER_UNAVAILABLE',
      move: null,
      retry: 'later',
    });
    expect(old({ upgrade }).verdict).toBe('permit');
  });

  test('[M3] the ledger out of reach for too long: nobody is served by what it said last', () => {
    const upgrade = { state: 'unavailable', stale: true, why: 'connection refused' } as const;
    for (const decision of [needy({ upgrade }), old({ upgrade })]) {
      expect(decision).toMatchObject({ verdict: 'refuse', code: 'LEDGER_UNAVAILABLE', retry: 'later' });
      expect(decision.message).toContain('connection refused');
    }
  });

  test.each([
    [
      'upgrades are not automatic: an operator has to approve',
      { policy: { ...PRESETS.phoenix, autoUpgrade: false } },
      { side: 'operator', to: 'approve' },
    ],
    [
      'the client must not bring it: another one has to',
      { mustNot: true },
      { side: 'client', to: '4.15.0', who: ['another one, which may bring the upgrade'] },
    ],
  ])('[M3] %s', (_, about, move) => {
    expect(needy(about)).toMatchObject({
      verdict: 'refuse',
      code: 'UPGRADE_REQUIRED',
      rule: 'M3',
      move,
      retry: 'after-change',
      vendorCode: 2011,
      sqlState: 'INT13',
    });
    expect(old(about).verdict).toBe('permit');
    expect(judged('4.15.0', ['4.15.0'], { level: 29, ...about }).verdict).toBe('permit');
  });

  test("[M3] an operator's approval stands in for automatic upgrades, not for the client's own word", () => {
    const policy = { ...PRESETS.phoenix, autoUpgrade: false };
    const upgrade = { state: 'idle', approved: true } as const;
    expect(needy({ policy, upgrade }).verdict).toBe('migrate');
    expect(needy({ policy, upgrade, mustNot: true }).code).toBe('UPGRADE_REQUIRED');
  });

  test('[M3] a client that must not bring the upgrade may wait for one that runs', () => {
    expect(needy({ mustNot: true, upgrade: { state: 'running', downtime: false } }).verdict).toBe('hold');
  });

  test('[M3] while a server is unknown, nobody brings the upgrade, and clients that were fine stay so', () => {
    const servers = ['4.15.0', 'unknown'];
    const decision = judged('4.15.0', servers, { level: 28 });
    expect(decision).toMatchObject({
      verdict: 'refuse',
      code: 'VERSION_UNKNOWN',
      rule: 'M3',
      move: null,
      retry: 'later',
    });
    expect(decision.message).toContain('s2');
    expect(judged('4.14.0', servers, { level: 28 }).verdict).toBe('permit');
    expect(judged('4.15.0', servers, { level: 29 }).verdict).toBe('permit');
  });
});
