/** What is known of the sources that clients come from: what each may have, and what that takes up. */
import { describe, expect, test } from 'vitest';
import { type SourceLimits, sourceLimitsOf } from '../../src/config/limits.ts';
import { configSchema } from '../../src/config/schema.ts';
import { Sources } from '../../src/gateway/sources.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

const DEFAULTS = sourceLimitsOf(configSchema.shape.limits.parse({}));

function sourcesWith(limits: Partial<SourceLimits>) {
  const clock = new VirtualClock(0);
  const settings = { sourceLimits: { ...DEFAULTS, ...limits } };
  const sources = new Sources({ clock, settings });
  const enter = (host: string, times = 1) =>
    Array.from({ length: times }, () => sources.enter(host.includes(':') ? `[${host}]:1` : `${host}:1`));
  const reached = (host: string, times = 1) => enter(host, times).map((slot) => slot.reached);
  return { clock, settings, sources, enter, reached };
}

const NONE = null;

describe('connections at once', () => {
  test('one more than the limit is turned away, of this source only, until another is over', () => {
    const { enter, reached } = sourcesWith({ connections: 2 });
    const [first] = enter('192.0.2.1', 2);
    expect(reached('192.0.2.1')).toEqual(['connectionsPerSource']);
    expect(reached('192.0.2.2')).toEqual([NONE]);
    first?.arrived();
    expect(reached('192.0.2.1')).toEqual(['connectionsPerSource']);
    first?.leave();
    expect(reached('192.0.2.1', 2)).toEqual([NONE, 'connectionsPerSource']);
  });

  test('on its way in counts until it is let in or gone, and is told once however often it is over', () => {
    const { enter, reached } = sourcesWith({ handshakes: 2 });
    const [first, second] = enter('192.0.2.1', 2);
    expect(reached('192.0.2.1')).toEqual(['handshakesPerSource']);
    first?.arrived();
    first?.arrived();
    first?.leave();
    first?.leave();
    expect(reached('192.0.2.1', 2)).toEqual([NONE, 'handshakesPerSource']);
    second?.leave();
    expect(reached('192.0.2.1', 2)).toEqual([NONE, 'handshakesPerSource']);
  });
});

describe('new connections', () => {
  test('come in a burst, and then at the rate', async () => {
    const { clock, enter, reached } = sourcesWith({ perSecond: 10, burst: 3 });
    for (const slot of enter('192.0.2.1', 3)) slot.leave();
    expect(reached('192.0.2.1')).toEqual(['connectRate']);
    await clock.run(99);
    expect(reached('192.0.2.1')).toEqual(['connectRate']);
    await clock.run(1);
    expect(reached('192.0.2.1', 2)).toEqual([NONE, 'connectRate']);
    await clock.run(60_000);
    expect(reached('192.0.2.1', 4)).toEqual([NONE, NONE, NONE, 'connectRate']);
  });

  test('that are turned away do not put off the next that is not', async () => {
    const { clock, reached } = sourcesWith({ perSecond: 10, burst: 1 });
    reached('192.0.2.1', 1_000);
    await clock.run(100);
    expect(reached('192.0.2.1')).toEqual([NONE]);
  });

  test('another rate holds from the moment of a reload', async () => {
    const { clock, settings, reached } = sourcesWith({ perSecond: 10, burst: 3 });
    reached('192.0.2.1', 3);
    settings.sourceLimits = { ...settings.sourceLimits, perSecond: 1_000, burst: 50 };
    await clock.run(50);
    expect(reached('192.0.2.1', 51).filter((limit) => limit === NONE)).toHaveLength(50);
  });
});

describe('what is one source', () => {
  test.each([
    ['an IPv4 address, also in IPv6 form', '192.0.2.1', '::ffff:192.0.2.1'],
    ['a /64 of IPv6', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
  ])('%s', (_, one, same) => {
    const { reached } = sourcesWith({ connections: 1 });
    expect([...reached(one), ...reached(same)]).toEqual([NONE, 'connectionsPerSource']);
  });

  test('the next IPv4 address, and the next /64, are others', () => {
    const { reached } = sourcesWith({ connections: 1 });
    const hosts = ['192.0.2.1', '192.0.2.2', '2001:db8:1:2::1', '2001:db8:1:3::1'];
    expect(hosts.flatMap((host) => reached(host))).toEqual([NONE, NONE, NONE, NONE]);
  });

  test('prefixes that are stated', () => {
    const { enter, reached } = sourcesWith({ connections: 1, prefix: { v4: 24, v6: 48 } });
    expect(enter('192.0.2.1')[0]?.name).toBe('192.0.2.0/24');
    expect(enter('2001:db8:1:2::1')[0]?.name).toBe('2001:db8:1::/48');
    expect([...reached('192.0.2.200'), ...reached('2001:db8:1:ff::1')]).toEqual(
      Array(2).fill('connectionsPerSource'),
    );
  });

  test('the own machine is none by default, nor is a balancer that is listed', () => {
    const { reached, sources } = sourcesWith({ connections: 1 });
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'memory'])
      expect(reached(host, 3)).toEqual([NONE, NONE, NONE]);
    expect(sources.known).toBe(0);
    const { exempt } = sourceLimitsOf(configSchema.shape.limits.parse({ exempt: ['10.1.0.0/16'] }));
    const listed = sourcesWith({ connections: 1, exempt });
    expect(listed.reached('10.1.2.3', 2)).toEqual([NONE, NONE]);
    expect(listed.reached('127.0.0.1', 2)).toEqual([NONE, 'connectionsPerSource']);
  });
});

describe('what it takes up', () => {
  const host = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;

  test('a source is forgotten once its allowance is whole again, and not before', async () => {
    const { clock, sources, enter, reached } = sourcesWith({ perSecond: 1, burst: 10 });
    for (let at = 0; at < 1_000; at++) for (const slot of enter(host(at))) slot.leave();
    for (const slot of enter('192.0.2.1', 10)) slot.leave();
    expect(sources.known).toBe(1_001);
    await clock.run(9_000);
    expect(reached('192.0.2.1', 10).filter((limit) => limit === NONE)).toHaveLength(9);
    await clock.run(10_000);
    enter('192.0.2.9');
    await clock.run(10_000);
    enter('192.0.2.9');
    expect(sources.known).toBeLessThan(4);
  });

  test('one that has a connection is not forgotten, however long it lasts', async () => {
    const { clock, enter, reached } = sourcesWith({ connections: 1, perSecond: 1, burst: 1 });
    enter('192.0.2.1');
    for (let round = 0; round < 5; round++) {
      await clock.run(10_000);
      enter(host(round));
    }
    expect(reached('192.0.2.1')).toEqual(['connectionsPerSource']);
  });

  test('a flood of sources fills a bounded table, and gives nobody a new allowance', () => {
    const { sources, enter, reached } = sourcesWith({ burst: 5 });
    for (const slot of enter('192.0.2.1', 5)) slot.leave();
    for (let at = 0; at < 70_000; at++) for (const slot of enter(host(at))) slot.leave();
    expect(sources.known).toBe(65_536);
    expect(reached('192.0.2.1')).toEqual(['connectRate']);
    expect(reached(host(69_999))).toEqual(['connectRate']);
    expect(reached(host(3))).toEqual([NONE]);
  });

  test('memory for those who wait is given back, and no source has more than half of it', () => {
    const { sources, enter } = sourcesWith({ heldMemory: 1_000 });
    const [one] = enter('192.0.2.1');
    const [two] = enter('192.0.2.1');
    const [other] = enter('192.0.2.2');
    const [local] = enter('127.0.0.1');
    expect([one?.take(300), two?.take(200), two?.take(1)]).toEqual([true, true, false]);
    expect([other?.take(400), local?.take(101), local?.take(100), other?.take(1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    one?.arrived();
    expect([sources.held, two?.take(300), two?.take(1)]).toEqual([700, true, false]);
    for (const slot of [one, two, other, local]) slot?.leave();
    expect(sources.held).toBe(0);
  });
});

test('of several workers each has its part', () => {
  const whole = configSchema.shape.limits.parse({
    handshakesPerSource: 100,
    connectRate: { perSecond: 10, burst: 30 },
  });
  expect(sourceLimitsOf(whole, 4)).toMatchObject({ handshakes: 25, perSecond: 2.5, burst: 8 });
  expect(sourceLimitsOf(whole)).toMatchObject({ handshakes: 100, perSecond: 10, burst: 30 });
});
