/** Preset `ranges`, from the client's URL and the server's hello to the verdict. */
import { describe, expect, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

describe('[ranges] protocol ranges', () => {
  test('overlap with every server or be refused; the version does not matter', async () => {
    await using fleet = await startFleet(realEnvironment, {
      policy: { preset: 'ranges' },
      servers: [
        { version: '9.0.0', protocol: { min: 3, max: 6 } },
        { version: '1.0.0', protocol: { min: 4, max: 7 } },
      ],
    });
    const session = await fleet.admit('5.0.0', { query: 'protocol=1..4' });
    expect(session.decision).toMatchObject({ code: 'PERMITTED', rule: 'ranges' });
    session.destroy();
    const old = await fleet.refuse('5.0.0', { query: 'protocol=1..3' });
    expect(old).toMatchObject({ code: 'CLIENT_OUTDATED', rule: 'ranges', move: { side: 'client' } });
    const young = await fleet.refuse('5.0.0', { query: 'protocol=7..9' });
    expect(young).toMatchObject({ code: 'SERVER_OUTDATED', move: { side: 'server', who: ['s1'] } });
    const silent = await fleet.refuse('5.0.0');
    expect(silent.code).toBe('VERSION_UNKNOWN');
    expect(fleet.servers.flatMap(({ clients }) => clients)).toEqual(['5.0.0']);
  });

  test('ranges of servers and programs that do not speak the handshake are stated in the config', async () => {
    await using backend = await startFleet(realEnvironment, { servers: [{ version: '4.14.0' }] });
    await using fleet = await startFleet(realEnvironment, {
      policy: { preset: 'ranges' },
      listen: [{ tcp: '127.0.0.1:0', assume: '1.0.0', protocol: { min: 2, max: 2 } }, { tcp: '127.0.0.1:0' }],
      others: [
        {
          id: 'db',
          address: backend.server(0).address,
          version: '1.0.0',
          protocol: { min: 1, max: 2 },
        },
      ],
    });
    expect((await fleet.refuse('1.0.0', { at: 1, query: 'protocol=3..3' })).code).toBe('SERVER_OUTDATED');
    const session = await fleet.admit('1.0.0', { at: 1, query: 'protocol=2..3' });
    expect(session.server).toEqual({ id: 'db', version: '1.0.0' });
    session.destroy();
  });
});
