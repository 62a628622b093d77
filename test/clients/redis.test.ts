/** An unmodified redis-cli through the gate to an unmodified Redis. */
import { expect, test } from 'vitest';
import { startRedis } from '../support/databases.ts';
import { gateAssuming, installed, run } from './support.ts';

const HERE = installed('redis-server', 'redis-cli');

/** Connections that the server took so far, this question's own included. */
async function connectionsOf(port: string): Promise<number> {
  const { stdout } = await run('redis-cli', ['-p', port, 'info', 'stats']);
  return Number(/total_connections_received:(\d+)/.exec(stdout)?.[1]);
}

test.skipIf(!HERE)(
  '[M2] a client whose assumed version is inside the window works as if there were no gate',
  async () => {
    const redis = await startRedis();
    const { fleet, ports } = await gateAssuming(['4.13.1'], {
      address: `tcp://127.0.0.1:${redis}`,
      version: '4.14.0',
    });
    const port = ports[0] as string;
    expect(await run('redis-cli', ['-p', port, 'ping'])).toMatchObject({ status: 0, stdout: 'PONG\n' });
    const big = 'x'.repeat(1_000_000);
    expect((await run('redis-cli', ['-p', port, '-x', 'set', 'key'], big)).stdout).toBe('OK\n');
    expect((await run('redis-cli', ['-p', port, 'get', 'key'])).stdout).toBe(`${big}\n`);
    expect((await run('redis-cli', ['-p', redis, 'strlen', 'key'])).stdout).toBe('1000000\n');
    expect(
      fleet.log.handshakes.map(({ code, ...record }) => [
        code,
        record.client,
        record.driver,
        record.serverVersion,
      ]),
    ).toEqual(Array(3).fill(['PERMITTED', '4.13.1', 'assumed', '4.14.0']));
  },
);

test.skipIf(!HERE)(
  '[M1] a client whose assumed version is too new gets a closed connection; the server sees none',
  async () => {
    const redis = await startRedis();
    const { fleet, ports } = await gateAssuming(['4.16.0'], {
      address: `tcp://127.0.0.1:${redis}`,
      version: '4.14.0',
    });
    const before = await connectionsOf(redis);
    const { status, stdout, stderr } = await run('redis-cli', [
      '-p',
      ports[0] as string,
      'set',
      'key',
      'value',
    ]);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toMatch(/closed the connection|reset by peer|Broken pipe/);
    expect(await connectionsOf(redis)).toBe(before + 1);
    expect((await run('redis-cli', ['-p', redis, 'exists', 'key'])).stdout).toBe('0\n');
    expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
  },
);

test.skipIf(!HERE).each(['asked over the network', 'asked of the program'])(
  "the server's version, %s, decides",
  async (how) => {
    const redis = await startRedis();
    const command = how.includes('network')
      ? ['redis-cli', '-p', redis, 'info', 'server']
      : ['redis-server', '--version'];
    const pattern = how.includes('network') ? 'redis_version:([0-9.]+)' : 'v=([0-9.]+)';
    const { stdout } = await run('redis-server', ['--version']);
    const [version, major, minor] = /(\d+)\.(\d+)\.\d+/.exec(stdout) as unknown as [string, string, string];
    const { fleet, ports } = await gateAssuming([`${major}.${minor}.0`, `${major}.${Number(minor) + 1}.0`], {
      address: `tcp://127.0.0.1:${redis}`,
      version: { command, pattern },
    });
    expect(fleet.log.of('server')).toEqual([
      expect.objectContaining({ server: 'real', state: 'up', version }),
    ]);
    expect((await run('redis-cli', ['-p', ports[0] as string, 'ping'])).stdout).toBe('PONG\n');
    expect((await run('redis-cli', ['-p', ports[1] as string, 'ping'])).stdout).not.toContain('PONG');
    expect(fleet.log.codes).toEqual(['PERMITTED', 'SERVER_OUTDATED']);
  },
);
