/** A gate that reads its config again and again while clients come and go. */
import { expect, test, vi } from 'vitest';
import type { Session } from '../../src/client/session.ts';
import { keepComing } from '../support/crowd.ts';
import { freePort } from '../support/free-port.ts';
import { connect, echo, LOG, rewrite, WAIT } from './reload-support.ts';
import { echoServer, FAST, serveGate, serversOf } from './support.ts';

test('a hundred reloads under load drop nothing: every session echoes throughout, every new client is admitted', async () => {
  const [one, two] = [await echoServer('4.14.0'), await echoServer('4.14.1')];
  const gate = await serveGate(`${serversOf(one.address, two.address)}\n${FAST}`);
  const extra = `tcp://127.0.0.1:${await freePort()}`;
  const sessions = await Promise.all(
    Array.from({ length: 20 }, (_, at) => connect(gate.url('4.13.2', at % 2))),
  );
  const broken: string[] = [];
  for (const session of sessions)
    session.on('error', ({ message }) => broken.push(message)).on('close', () => broken.push('closed'));
  const crowd = keepComing([gate.url('4.13.2', 0), gate.url('4.13.2', 1)], 16);
  const other = [
    [serversOf(one.address), FAST, LOG, 'limits: { sessions: 5000 }', 'policy: { window: 2 }'].join('\n'),
    [serversOf(one.address, two.address), FAST, 'log: { file: decisions.ndjson, keep: 7, trace: all }'].join(
      '\n',
    ),
  ];
  for (let round = 0; round < 100; round++) {
    rewrite(gate, other[round % 2] as string, round % 2 === 0 ? [...gate.addresses, extra] : gate.addresses);
    gate.program.signal('SIGHUP');
    await vi.waitUntil(
      () => (gate.program.stderr.match(/reload done by SIGHUP: \S/g) ?? []).length === round + 1,
      WAIT,
    );
    const at = round % sessions.length;
    expect(await echo(sessions[at] as Session, `round ${round}`)).toBe(`round ${round}`);
  }
  const { admitted, failures } = await crowd.stop();
  expect(failures).toEqual([]);
  expect(admitted).toBeGreaterThan(100);
  expect(broken).toEqual([]);
  expect(gate.program.stderr).not.toContain('SIGHUP refused');
  for (const session of sessions) session.destroy();
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  const handshakes = gate.records().filter(({ event }) => event === 'handshake');
  expect(handshakes.filter(({ verdict }) => verdict !== 'permit')).toEqual([]);
});
