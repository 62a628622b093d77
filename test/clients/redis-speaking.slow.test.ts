/** Redis clients through a listener that speaks Redis: admitted ones notice nothing, refused ones show why. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../support/databases.ts';
import { realEnvironment } from '../support/environment.ts';
import { type FleetOptions, startFleet } from '../support/gate.ts';
import { installed, run } from './support.ts';

const HERE = installed('redis-server', 'redis-cli');
const SENTENCE = 'Client 4.16.0 is newer than real (4.14.0): upgrade every server to 4.16 before any client.';
const REFUSED = `ERR ${SENTENCE} (SERVER_OUTDATED, rule M1; retry: after-change)`;

/** A gate before one Redis, or two, that reads the release from the client's name or its library's version. */
async function gateBefore(others: NonNullable<FleetOptions['others']>, otherwise = '4.16.0') {
  const fleet = await startFleet(realEnvironment, {
    listen: [
      {
        tcp: '127.0.0.1:0',
        speaks: 'redis',
        claim: [{ client_name: String.raw`^shop/(\d+\.\d+\.\d+)` }, { lib_ver: String.raw`^(4\.\d+\.\d+)$` }],
        otherwise,
      },
    ],
    others,
    timeouts: { probe: '10m', fresh: '10m' },
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { fleet, port: Number(fleet.address().split(':').at(-1)) };
}

const serverAt = (port: string, id = 'real', version = '4.14.0') => ({
  id,
  address: `tcp://127.0.0.1:${port}`,
  version,
});

/** Commands that the server ran since it was started, by name; those of this question included. */
async function commandsOf(port: string): Promise<string> {
  return (await run('redis-cli', ['-p', port, 'info', 'commandstats'])).stdout;
}

describe.skipIf(!HERE)('redis-cli', () => {
  test('prints the sentence of its refusal, and the server got nothing of it', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    const refused = await run('redis-cli', ['-e', '-p', `${port}`, 'set', 'key', 'value']);
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stdout + refused.stderr).toContain(REFUSED);
    expect(await commandsOf(redis)).not.toContain('cmdstat_set');
    expect(fleet.log.handshakes).toMatchObject([
      { protocol: 'redis', code: 'SERVER_OUTDATED', claim: { value: '4.16.0', source: 'otherwise' } },
    ]);
  });

  test('counts as what the config says of clients that claim nothing, and works as if there were no gate', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)], '4.13.2');
    const { stdout } = await run('redis-cli', ['-3', '-p', `${port}`], 'SET key value\nGET key\n');
    expect(stdout).toBe('OK\nvalue\n');
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', claim: { source: 'otherwise' } },
    ]);
  });
});

describe.skipIf(!HERE)('node-redis', () => {
  const clientOf = (port: number, name: string) => {
    const client = createClient({
      url: `redis://127.0.0.1:${port}/2`,
      name,
      socket: { reconnectStrategy: false },
    });
    client.on('error', () => {});
    onTestFinished(() => client.destroy());
    return client;
  };

  test('inside the window reads and writes its database', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    const client = clientOf(port, 'shop/4.13.2');
    await client.connect();
    expect(await client.set('key', 'value')).toBe('OK');
    expect(await client.get('key')).toBe('value');
    expect((await run('redis-cli', ['-p', redis, '-n', '2', 'get', 'key'])).stdout).toBe('value\n');
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', driver: 'node-redis', claim: { source: 'client_name' } },
    ]);
  });

  test('that is held after it introduced itself goes on with another connection as if nothing had been', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    await fleet.gate.operations.pause({ by: 'ann', reason: 'a test' });
    const client = clientOf(port, 'shop/4.13.2');
    await client.connect();
    const answer = client.set('key', 'value');
    await expect.poll(() => fleet.gate.status().held).toBe(1);
    expect(await commandsOf(redis)).not.toContain('cmdstat_set');
    await fleet.gate.operations.resume({ by: 'ann', reason: 'a test' });
    expect(await answer).toBe('OK');
    expect(await client.sendCommand(['CLIENT', 'GETNAME'])).toBe('shop/4.13.2');
    expect((await run('redis-cli', ['-p', redis, '-n', '2', 'get', 'key'])).stdout).toBe('value\n');
    expect(fleet.log.handshakes).toMatchObject([{ code: 'PERMITTED', waitedFor: 'PAUSED' }]);
  });

  test('that is refused gets the sentence as the error of its first command', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    const client = clientOf(port, 'shop/4.16.0');
    await client.connect();
    await expect(client.set('key', 'value')).rejects.toThrow(REFUSED);
    expect(await commandsOf(redis)).not.toContain('cmdstat_set');
    expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
  });
});

describe.skipIf(!HERE)('ioredis', () => {
  const clientOf = (port: number, connectionName: string) => {
    const client = new Redis({ port, connectionName, lazyConnect: true, retryStrategy: () => null });
    const errors: string[] = [];
    client.on('error', ({ message }: Error) => errors.push(message));
    onTestFinished(() => client.disconnect());
    return { client, errors };
  };

  test('inside the window reads and writes', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    const { client, errors } = clientOf(port, 'shop/4.13.2');
    expect(await client.set('key', 'value')).toBe('OK');
    expect(await client.get('key')).toBe('value');
    expect(errors).toEqual([]);
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', claim: { source: 'client_name' } },
    ]);
  });

  test('that is refused says the sentence in its error event', async () => {
    const redis = await startRedis();
    const { fleet, port } = await gateBefore([serverAt(redis)]);
    const { client, errors } = clientOf(port, 'shop/4.16.0');
    await expect(client.set('key', 'value')).rejects.toThrow();
    expect(errors.join('\n')).toContain(REFUSED);
    expect(await commandsOf(redis)).not.toContain('cmdstat_set');
    expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
  });
});
