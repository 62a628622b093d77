/** Preset `phoenix`: the rules that compare versions. */
import { describe, expect, test } from 'vitest';
import { judged } from '../support/facts.ts';

describe('patches', () => {
  test.each([
    ['4.14.0', ['4.14.0']],
    ['4.14.3', ['4.14.0']],
    ['4.14.0', ['4.14.3']],
    ['4.14.1', ['4.14.0', '4.14.9', '4.14.2']],
    ['4.14.1-cdh5.14.2', ['4.14.0-HBase-1.4']],
    ['5.1.0-SNAPSHOT', ['5.1.3']],
  ])('[P1] client %s works with servers %j: any mix of patches', (version, servers) => {
    expect(judged(version, servers)).toMatchObject({ verdict: 'permit', code: 'PERMITTED', rule: 'P1' });
  });

  test('[P1] a client with a newer patch is no reason to touch the tables while a server lacks that patch', () => {
    expect(judged('4.2.1', ['4.2.0', '4.2.1'], { level: 4 })).toMatchObject({
      verdict: 'permit',
      code: 'PERMITTED',
      rule: 'P1',
    });
    expect(judged('4.2.1', ['4.2.0'], { level: 4 }).verdict).toBe('permit');
  });

  test('[P1] a server of an older patch than the tables still serves', () => {
    expect(judged('4.2.0', ['4.2.0'], { level: 5 })).toMatchObject({ verdict: 'permit', rule: 'P1' });
    expect(judged('4.2.1', ['4.2.0', '4.2.1'], { level: 5 })).toMatchObject({
      verdict: 'permit',
      rule: 'P1',
    });
  });
});

describe('servers first', () => {
  test('[M1] a client newer than the server is refused, and the server must move to its line', () => {
    expect(judged('4.15.2', ['4.14.1'])).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      client: '4.15.2',
      observed: { oldest: '4.14.1', newest: '4.14.1', level: 28 },
      move: { side: 'server', to: '4.15', who: ['s1'] },
      retry: 'after-change',
      retryAfterMs: null,
      vendorCode: 2007,
      sqlState: 'INT09',
      message: 'Client 4.15.2 is newer than s1 (4.14.1): upgrade every server to 4.15 before any client.',
    });
  });

  test('[M1] one old server among many refuses the client, and only that one is named', () => {
    expect(judged('4.15.0', ['4.15.0', '4.14.9', '4.16.0', '4.13.0'])).toMatchObject({
      code: 'SERVER_OUTDATED',
      move: { side: 'server', to: '4.15', who: ['s2', 's4'] },
      observed: { oldest: '4.13.0', newest: '4.16.0' },
    });
  });

  test('[M1] a server that is down counts with its last known version', () => {
    expect(judged('4.15.0', ['4.15.0', '4.14.0 down'])).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      move: { who: ['s2'] },
    });
    expect(judged('4.15.0', ['4.15.0', '4.14.0 draining']).code).toBe('SERVER_OUTDATED');
  });

  test('[M1] once the last server moved, the client is let in', () => {
    expect(judged('4.15.0', ['4.15.0', '4.15.3', '4.16.0']).verdict).toBe('permit');
  });
});

describe('the window', () => {
  test.each([
    ['4.14.0', '4.14.0', 'permit'],
    ['4.13.0', '4.14.0', 'permit'],
    ['4.12.9', '4.14.0', 'permit'],
    ['4.11.9', '4.14.0', 'refuse'],
    ['4.0.0', '4.14.0', 'refuse'],
    ['5.2.0', '5.4.0', 'permit'],
    ['5.1.9', '5.4.0', 'refuse'],
  ])('[M2] client %s, server %s: %s', (version, server, verdict) => {
    expect(judged(version, [server]).verdict).toBe(verdict);
  });

  test('[M2] a client too old must move to the lowest line that works', () => {
    expect(judged('4.10.0', ['4.15.0'])).toMatchObject({
      verdict: 'refuse',
      code: 'CLIENT_OUTDATED',
      rule: 'M2',
      move: { side: 'client', to: '4.13', who: ['4.10.0'] },
      retry: 'after-change',
      vendorCode: null,
      sqlState: null,
      message: 'Client 4.10.0 is too old for s1 (4.15.0): upgrade the client to 4.13.',
    });
  });

  test('[M2] the newest server counts, also one that is down', () => {
    expect(judged('4.13.0', ['4.13.0', '4.15.0']).verdict).toBe('permit');
    expect(judged('4.13.0', ['4.13.0', '4.16.0 down'])).toMatchObject({
      code: 'CLIENT_OUTDATED',
      observed: { oldest: '4.13.0', newest: '4.16.0' },
      move: { side: 'server', to: '4.14', who: ['s1'] },
    });
  });

  test('[M2] a mixed set narrows the window from both sides', () => {
    const servers = ['4.13.0', '4.15.0'];
    const verdicts = ['4.11.0', '4.12.0', '4.13.0', '4.14.0', '4.15.0'].map(
      (version) => judged(version, servers).code,
    );
    expect(verdicts).toEqual([
      'CLIENT_OUTDATED',
      'CLIENT_OUTDATED',
      'PERMITTED',
      'SERVER_OUTDATED',
      'SERVER_OUTDATED',
    ]);
  });

  test('[M2] where servers are too far apart for any client, the old servers move first', () => {
    expect(judged('4.12.0', ['4.12.0', '4.16.0'])).toMatchObject({
      code: 'CLIENT_OUTDATED',
      move: { side: 'server', to: '4.14', who: ['s1'] },
      message:
        'Client 4.12.0 is too old for s2 (4.16.0): no client release fits the servers as they are, so first upgrade s1 to 4.14.',
    });
  });

  test('[M2] lines that no catalogue lists count as well', () => {
    expect(judged('4.26.0', ['4.28.0']).verdict).toBe('permit');
    expect(judged('4.20.0', ['4.30.0']).move).toEqual({ side: 'client', to: '4.28', who: ['4.20.0'] });
  });
});

describe('majors', () => {
  test('[J1] a client of an older major is refused', () => {
    expect(judged('4.15.0', ['5.1.0'])).toMatchObject({
      verdict: 'refuse',
      code: 'MAJOR_MISMATCH',
      rule: 'J1',
      move: { side: 'client', to: '5.0', who: ['4.15.0'] },
      retry: 'after-change',
      vendorCode: 2006,
      sqlState: 'INT08',
    });
  });

  test.each([
    ['4.16.0', '5.1.0', 'permit'],
    ['4.16.9', '5.1.3-HBase-2.4', 'permit'],
    ['4.15.0', '5.1.0', 'refuse'],
    ['4.17.0', '5.1.0', 'refuse'],
    ['4.16.0', '5.0.0', 'refuse'],
    ['4.16.0', '5.2.0', 'refuse'],
  ])('[J1] client %s, server %s: %s, as only 5.1 accepts 4.16', (version, server, verdict) => {
    expect(judged(version, [server])).toMatchObject({ verdict, rule: 'J1' });
  });

  test('[J1] every server of the newer major has to accept the client', () => {
    expect(judged('4.16.0', ['5.1.0', '4.16.0'])).toMatchObject({ verdict: 'permit', rule: 'J1' });
    expect(judged('4.16.0', ['5.1.0', '5.2.0'])).toMatchObject({
      code: 'MAJOR_MISMATCH',
      move: { side: 'client', to: '5.0' },
    });
  });

  test('[J1] while servers of two majors run, the client is sent to the line that fits both', () => {
    expect(judged('4.13.0', ['4.16.0', '5.1.0'])).toMatchObject({
      code: 'MAJOR_MISMATCH',
      move: { side: 'client', to: '4.16', who: ['4.13.0'] },
    });
  });

  test('[J1] a client of a newer major waits for the servers', () => {
    expect(judged('5.0.0', ['4.16.0', '5.1.0'])).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'J1',
      move: { side: 'server', to: '5.0', who: ['s1'] },
      vendorCode: 2007,
      sqlState: 'INT09',
    });
  });
});
