/** Which servers count, which serve, and what holds for a set and for one server. */
import { describe, expect, test } from 'vitest';
import { decide, fitFor } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { client, cluster, judged, server } from '../support/facts.ts';

describe('rolling restarts', () => {
  test.each(['down', 'draining'])('[N1] a server that is %s gets no session, another one does', (state) => {
    expect(judged('4.14.0', [`4.14.0 ${state}`, '4.14.1'])).toMatchObject({ verdict: 'permit' });
  });

  test.each([[['4.14.0 down', '4.14.1 draining']], [['4.14.0 down', 'unknown']], [['4.14.0 draining']]])(
    '[N1] with servers %j a client that fits waits instead of failing',
    (servers) => {
      expect(judged('4.14.0', servers)).toMatchObject({
        verdict: 'hold',
        code: 'NO_SERVER',
        rule: 'N1',
        move: null,
        retry: 'later',
        message: 'No compatible server takes new sessions at the moment.',
      });
    },
  );

  test('[N1] why servers are down is in the message, of the first few', () => {
    const down = Array.from({ length: 6 }, (_, at) => ({
      ...server(`s${at + 1}`, '4.14.0 down'),
      lastError: 'ECONNREFUSED',
    }));
    const facts = { ...cluster([]), servers: [server('s0', '4.14.0 draining'), ...down] };
    expect(decide(client('4.14.0'), facts, PRESETS.phoenix).message).toBe(
      'No compatible server takes new sessions at the moment (s1: ECONNREFUSED; s2: ECONNREFUSED; s3: ECONNREFUSED; s4: ECONNREFUSED; and 2 more).',
    );
  });

  test('[N1] a client that no server will ever fit is told so at once, restart or not', () => {
    expect(judged('4.15.0', ['4.14.0 down']).code).toBe('SERVER_OUTDATED');
    expect(judged('4.10.0', ['4.14.0 draining']).code).toBe('CLIENT_OUTDATED');
  });

  test('[N1] a cluster without servers holds the client', () => {
    expect(judged('4.14.0', [])).toMatchObject({
      verdict: 'hold',
      code: 'NO_SERVER',
      observed: { oldest: null, newest: null, level: null },
    });
  });

  test('[N1] old and new servers serve the old clients all through a rolling minor upgrade', () => {
    const steps = [
      ['4.14.0', '4.14.0', '4.14.0'],
      ['4.14.0 down', '4.14.0', '4.14.0'],
      ['4.15.0', '4.14.0', '4.14.0'],
      ['4.15.0', '4.14.0 down', '4.14.0'],
      ['4.15.0', '4.15.0', '4.14.0'],
      ['4.15.0', '4.15.0', '4.14.0 down'],
      ['4.15.0', '4.15.0', '4.15.0'],
    ];
    for (const servers of steps)
      for (const version of ['4.13.0', '4.14.0'])
        expect(judged(version, servers, { level: 28 }).verdict, `${version} at ${servers}`).toBe('permit');
    const newer = steps.map((servers) => judged('4.15.0', servers, { level: 28 }).verdict);
    expect(newer).toEqual([...Array(6).fill('refuse'), 'migrate']);
  });
});

describe('unknown servers', () => {
  test('[M1] block a client newer than all that is known, and the known ones are named', () => {
    expect(judged('4.15.0', ['4.14.0', 'unknown'])).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      move: { who: ['s1'] },
    });
  });

  test('[M1] do not block clients that were fine before, and the trace names them', () => {
    for (const version of ['4.12.0', '4.13.0', '4.14.0']) {
      const decision = judged(version, ['4.14.0', 'unknown', 'unknown down']);
      expect(decision.verdict, version).toBe('permit');
      expect(decision.trace.find(({ rule }) => rule === 'M1')?.because).toBe(
        'no known server is older than the client; the version of s2, s3 is unknown',
      );
    }
  });

  test('[M1] when no version of any server is known, nobody is let in', () => {
    expect(judged('4.14.0', ['unknown', 'unknown down'])).toMatchObject({
      verdict: 'refuse',
      code: 'VERSION_UNKNOWN',
      rule: 'M1',
      retry: 'later',
      observed: { oldest: null, newest: null, level: null },
    });
  });

  test('[N1] when all of them are down, the client waits until one says its version', () => {
    expect(judged('4.14.0', ['unknown down', 'unknown draining'])).toMatchObject({
      verdict: 'hold',
      code: 'NO_SERVER',
    });
  });
});

describe('scope', () => {
  const one = { ...PRESETS.phoenix, scope: 'server' } as const;

  test('[M1] scope server: one server that fits is enough', () => {
    for (const servers of [
      ['4.15.0', '4.12.0'],
      ['4.12.0', '4.15.0'],
    ])
      expect(judged('4.15.0', servers, { policy: one }).verdict).toBe('permit');
    expect(judged('4.15.0', ['4.15.0', '4.12.0']).verdict).toBe('refuse');
  });

  test('[M2] scope server: far newer servers do not narrow the window', () => {
    expect(judged('4.10.0', ['4.16.0', '4.12.0'], { policy: one }).verdict).toBe('permit');
    expect(judged('4.10.0', ['4.16.0', '4.12.0']).code).toBe('CLIENT_OUTDATED');
  });

  test('[N1] scope server: waits for the one that fits rather than be refused by another', () => {
    expect(judged('4.15.0', ['4.12.0', '4.15.0 down'], { policy: one })).toMatchObject({
      verdict: 'hold',
      code: 'NO_SERVER',
    });
  });

  test('the summary is of the whole cluster whatever the scope', () => {
    expect(judged('4.15.0', ['4.15.0', '4.12.0'], { policy: one }).observed).toEqual({
      oldest: '4.12.0',
      newest: '4.15.0',
      level: 27,
    });
  });
});

describe('picking a server', () => {
  const all = cluster(['4.13.0', '4.14.0', '4.15.0', 'unknown'], { level: 28 });
  const fitting = (version: string, policy = PRESETS.phoenix) =>
    all.servers.filter((one) => fitFor(client(version), all, policy)(one)).map(({ id }) => id);

  test('[M2] only servers inside the window, of known version and not behind the tables', () => {
    expect(fitting('4.13.0')).toEqual(['s2', 's3']);
    expect(fitting('4.12.0')).toEqual(['s2']);
    expect(fitting('4.15.0')).toEqual(['s3']);
    expect(fitting('4.16.0')).toEqual([]);
  });

  test('[J1] no server of an older major, however near its minor', () => {
    const set = cluster(['4.16.0', '5.1.0']);
    const fits = set.servers.map((one) => fitFor(client('5.1.0'), set, PRESETS.phoenix)(one));
    expect(fits).toEqual([false, true]);
    expect(fitFor(client('5.1.0'), cluster([]), PRESETS.phoenix)(server('s1', '4.2.0'))).toBe(false);
  });

  test('whenever the verdict is permit, there is a server up that fits', () => {
    const versions = ['4.11.0', '4.12.0', '4.13.0', '4.14.0', '5.0.0'];
    const states = ['4.13.0', '4.13.0 down', '4.14.0', '4.14.0 draining', '4.15.0', '5.0.0', 'unknown'];
    let permitted = 0;
    for (const version of versions)
      for (const a of states)
        for (const b of states)
          for (const policy of [PRESETS.phoenix, PRESETS['phoenix-as-coded']]) {
            const facts = cluster([a, b], { level: 28 });
            if (decide(client(version), facts, policy).verdict !== 'permit') continue;
            permitted++;
            const usable = facts.servers.filter(
              (one) => one.state === 'up' && fitFor(client(version), facts, policy)(one),
            );
            expect(usable, `${version} at ${a}, ${b}`).not.toEqual([]);
          }
    expect(permitted).toBeGreaterThan(50);
  });

  test('the state of a server is not looked at', () => {
    const down = server('s1', '4.14.0 down');
    expect(fitFor(client('4.14.0'), cluster([]), PRESETS.phoenix)(down)).toBe(true);
  });
});
