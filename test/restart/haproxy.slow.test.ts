/** Two gates behind HAProxy, replaced one after the other: whoever asks `/ready` sends clients elsewhere in time. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { echoServer, outcomeOf, type ServedGate, serveGate, serversOf } from '../cli/support.ts';
import { keepComing } from '../support/crowd.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { startProgram } from '../support/program.ts';

const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
/** Files of other processes announce nothing. */
const WAIT = { timeout: 20_000, interval: 20 };
/** How the balancer asks, and for how long a gate that leaves goes on taking clients: several times as long. */
const CHECK = 'check inter 100ms fall 2 rise 1';
const TIMES = 'timeouts: { probe: 100ms, lameDuck: 2s, drain: 5s }';

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly admin: number;
}

async function placeOfGate(): Promise<Place> {
  return { folder: tempFolder(), port: await freePort(), admin: await freePort() };
}

function startAt({ folder, port, admin }: Place, servers: string): Promise<ServedGate> {
  const config = `${servers}\n${TIMES}\nadmin: { listen: '127.0.0.1:${admin}' }\nmigration: { ledger: 'memory:' }`;
  return serveGate(config, { folder, listen: `[{ tcp: '127.0.0.1:${port}' }]` });
}

/** Returns the address that clients use. */
async function startHaproxy(places: readonly Place[]): Promise<string> {
  const port = await freePort();
  const file = path.join(tempFolder(), 'haproxy.cfg');
  writeFileSync(
    file,
    [
      'defaults',
      '  mode tcp',
      '  timeout connect 2s',
      '  timeout client 1m',
      '  timeout server 1m',
      'listen gates',
      `  bind 127.0.0.1:${port}`,
      '  option httpchk GET /ready',
      ...places.map(
        (place, at) => `  server gate${at + 1} 127.0.0.1:${place.port} port ${place.admin} ${CHECK}`,
      ),
      '',
    ].join('\n'),
  );
  startProgram('haproxy', ['-db', '-f', file]);
  return `skewgate://127.0.0.1:${port}/?version=4.13.2`;
}

const admitted = ({ records }: ServedGate) => records().filter(({ verdict }) => verdict === 'permit').length;

test.skipIf(!hasHaproxy)(
  'both gates are replaced under load, one after the other, and no client is refused or cut off',
  async () => {
    const servers = serversOf((await echoServer('4.14.0')).address);
    const places = [await placeOfGate(), await placeOfGate()];
    const gates = await Promise.all(places.map((place) => startAt(place, servers)));
    const url = await startHaproxy(places);
    await vi.waitUntil(async () => (await outcomeOf(url)) === 'admitted by 4.14.0', WAIT);
    const crowd = keepComing([url], 16);
    for (const [at, place] of places.entries()) {
      const gate = gates[at] as ServedGate;
      await vi.waitUntil(() => admitted(gate) > 0, WAIT);
      gate.program.signal('SIGTERM');
      await gate.program.waitFor(/not ready any more/);
      expect(await gate.program.exited).toBe(0);
      const before = admitted(gate);
      const next = await startAt(place, servers);
      // HAProxy has found it ready again.
      await vi.waitUntil(() => admitted(next) > before, WAIT);
    }
    const { admitted: served, failures } = await crowd.stop();
    expect(failures).toEqual([]);
    expect(served).toBeGreaterThan(100);
  },
  120_000,
);
