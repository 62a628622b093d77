/** What every decision carries: trace, retry, notes, Phoenix's codes; and decisions that no rule makes. */
import { describe, expect, test } from 'vitest';
import { CODE_NAMES, CODES } from '../../src/policy/codes.ts';
import { giveUp, refusal } from '../../src/policy/decision.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { extendCatalogue } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseVersion } from '../../src/version/version.ts';
import { judged } from '../support/facts.ts';

/** One situation for each code that the policy can answer with. */
const SITUATIONS = {
  PERMITTED: judged('4.14.0', ['4.14.0']),
  UPGRADE_NEEDED: judged('4.14.0', ['4.14.0'], { level: 27 }),
  SERVER_OUTDATED: judged('4.15.0', ['4.14.0']),
  CLIENT_OUTDATED: judged('4.10.0', ['4.14.0']),
  MAJOR_MISMATCH: judged('4.14.0', ['5.0.0']),
  LOCKSTEP: judged('4.1.0', ['4.2.0']),
  DOWNTIME_REQUIRED: judged('4.14.0', ['4.14.0'], { upgrade: { state: 'running', downtime: true } }),
  VERSION_UNKNOWN: judged('4.14.0', ['unknown']),
  SERVER_BEHIND_TABLES: judged('4.14.0', ['4.14.0'], { level: 29 }),
  UPGRADE_IN_PROGRESS: judged('4.14.0', ['4.14.0'], {
    level: 27,
    upgrade: { state: 'running', downtime: false },
  }),
  UPGRADE_REQUIRED: judged('4.14.0', ['4.14.0'], { level: 27, mustNot: true }),
  UPGRADE_BLOCKED: judged('4.14.0', ['4.14.0'], {
    level: 27,
    upgrade: { state: 'blocked', reason: 'freeze', until: null },
  }),
  UPGRADE_FAILED: judged('4.14.0', ['4.14.0'], {
    level: 27,
    upgrade: { state: 'failed', error: 'oops', retryAt: null },
  }),
  NO_SERVER: judged('4.14.0', ['4.14.0 down']),
  LEDGER_UNAVAILABLE: judged('4.14.0', ['4.14.0'], { level: 27, upgrade: { state: 'unavailable' } }),
};

describe('every code the policy knows', () => {
  test.each(Object.entries(SITUATIONS))('%s comes with all that helps', (code, decision) => {
    const { vendorCode, sqlState } = CODES[code as keyof typeof SITUATIONS];
    expect(decision).toMatchObject({ code, vendorCode, sqlState, client: decision.client });
    expect(decision.message).toMatch(/^[A-Z].*[^.]\.$|: .*[^.]$/);
    expect(decision.retry === 'after-change').toBe(decision.move !== null);
    expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
    const last = decision.trace.at(-1);
    expect(last?.outcome).toBe(code === 'PERMITTED' ? 'pass' : 'fail');
    expect(code === 'PERMITTED' || last?.rule === decision.rule).toBe(true);
    expect(decision.trace.slice(0, -1).every(({ outcome }) => outcome !== 'fail')).toBe(true);
  });

  test('the rest are given by the gate', () => {
    const byGate = CODE_NAMES.filter((code) => !(code in SITUATIONS));
    expect(byGate).toEqual([
      ...['SERVER_UNREACHABLE', 'BAD_HANDSHAKE', 'PROTOCOL_UNSUPPORTED', 'HANDSHAKE_TIMEOUT'],
      ...['TOO_MANY_CONNECTIONS', 'DRAINING', 'PAUSED', 'NOT_AUTHENTICATED', 'CLIENT_LEFT'],
      ...['RELEASE_DRAINED', 'KICKED', 'CLAIM_NOT_ALLOWED', 'SESSION_IDLE', 'CLAIM_MISSING'],
    ]);
  });
});

describe('the trace', () => {
  test('of a permit names every rule looked at, in order, with its reason', () => {
    expect(judged('4.13.0', ['4.14.0', '4.15.0']).trace).toEqual([
      { rule: 'J1', outcome: 'pass', because: 'client and servers share one major' },
      { rule: 'M1', outcome: 'pass', because: 'no known server is older than the client' },
      {
        rule: 'M2',
        outcome: 'pass',
        because: 'the client is inside the window of 2 minors below every server',
      },
      { rule: 'P1', outcome: 'skip', because: 'no server is of the same minor' },
      {
        rule: 'M4',
        outcome: 'pass',
        because: 'clients of different minors may be connected at the same time',
      },
      { rule: 'M3', outcome: 'pass', because: 'no server is older than level 28' },
      { rule: 'M3', outcome: 'pass', because: 'the client needs level 27, the tables are at 28' },
      { rule: 'N1', outcome: 'pass', because: 'a compatible server takes sessions' },
    ]);
  });

  test('of a refusal ends with the rule that decided', () => {
    expect(judged('4.15.0', ['4.14.0']).trace).toEqual([
      { rule: 'J1', outcome: 'pass', because: 'client and servers share one major' },
      { rule: 'M1', outcome: 'fail', because: "the client's minor is newer than that of s1 (4.14.0)" },
    ]);
  });
});

describe('notes', () => {
  const link = 'https://example.org/4.15';
  const catalogue = extendCatalogue(PHOENIX_CATALOGUE, [
    { version: parseVersion('4.15.0'), level: 29, notes: 'Take a backup first.', link },
    { version: parseVersion('4.15.1'), link },
  ]);
  const policy = { ...PRESETS.phoenix, catalogue };

  test('of the releases a refusal is about are passed on, with their links', () => {
    const expected = [
      { release: '4.15.0', text: 'Take a backup first.', link },
      { release: '4.15.1', text: '', link },
    ];
    expect(judged('4.15.3', ['4.14.0'], { policy }).notes).toEqual(expected);
    expect(judged('4.10.0', ['4.15.0', '4.15.1'], { policy }).notes).toEqual(expected);
    expect(judged('4.15.0', ['4.15.0'], { policy, level: 28 }).notes).toEqual(expected);
  });

  test('are left out where nothing is refused or the release is not concerned', () => {
    expect(judged('4.15.0', ['4.15.0'], { policy }).notes).toEqual([]);
    expect(judged('4.14.0', ['4.13.0'], { policy }).notes).toEqual([]);
  });

  test("Phoenix's own: a refused 4.15 client learns what 5.1 accepts", () => {
    expect(judged('4.15.0', ['5.1.0']).notes).toEqual([
      {
        release: '5.1.0',
        text: 'Servers on 5.1 accept clients on 4.16, and no other client of major 4.',
        link: null,
      },
    ]);
  });
});

describe('versions in a decision', () => {
  test('are shown with their qualifiers', () => {
    expect(judged('4.14.1-cdh5.14.2', ['4.13.0-HBase-1.4', '4.12.0-SNAPSHOT'])).toMatchObject({
      client: '4.14.1-cdh5.14.2',
      observed: { oldest: '4.12.0-SNAPSHOT', newest: '4.13.0-HBase-1.4' },
      message:
        'Client 4.14.1-cdh5.14.2 is newer than s1 (4.13.0-HBase-1.4), s2 (4.12.0-SNAPSHOT): upgrade every server to 4.14 before any client.',
    });
  });
});

describe('decisions that no rule makes', () => {
  test('a refusal by the gate has the code, its numbers and a trace', () => {
    expect(refusal('BAD_HANDSHAKE', 'That is HTTP.')).toEqual({
      verdict: 'refuse',
      code: 'BAD_HANDSHAKE',
      rule: 'gate',
      client: null,
      observed: { oldest: null, newest: null, level: null },
      move: null,
      retry: 'never',
      retryAfterMs: null,
      vendorCode: null,
      sqlState: null,
      message: 'That is HTTP.',
      notices: [],
      notes: [],
      trace: [{ rule: 'gate', outcome: 'fail', because: 'That is HTTP.' }],
    });
  });

  test('what is known goes along', () => {
    const steps = judged('4.14.0', ['4.14.0']).trace;
    const observed = { oldest: '4.14.0', newest: '4.14.0', level: 28 };
    const made = refusal('SERVER_UNREACHABLE', 'No answer.', {
      client: '4.14.0',
      observed,
      retryAfterMs: 500,
      rule: 'N1',
      trace: steps,
    });
    expect(made).toMatchObject({ client: '4.14.0', observed, retryAfterMs: 500, rule: 'N1', retry: 'later' });
    expect(made.trace).toEqual([...steps, { rule: 'N1', outcome: 'fail', because: 'No answer.' }]);
  });

  test('a held client whose wait is over is refused with the same finding', () => {
    const held = judged('4.14.0', ['4.14.0 down']);
    expect(held.verdict).toBe('hold');
    expect(giveUp(held, 1_520)).toEqual({
      ...held,
      verdict: 'refuse',
      message: 'No compatible server takes new sessions at the moment. Refused after a wait of 1.5 s.',
    });
  });
});

test('a message names the first of very many servers, and how many more there are; the move has all of them', () => {
  const behind = (count: number) => judged('4.14.0', Array(count).fill('4.14.0'), { level: 29 });
  const unknown = (count: number) => judged('4.14.0', Array(count).fill('unknown'));
  for (const { message } of [behind(64), unknown(64)]) {
    expect(message).toContain('s63, s64 ');
    expect(message).not.toContain('more');
  }
  for (const { message } of [behind(1_000), unknown(1_000)]) {
    expect(message).toContain('s63, s64 and 936 more ');
    expect(message).not.toContain('s65');
  }
  expect(behind(1_000).move?.who).toHaveLength(1_000);
});
