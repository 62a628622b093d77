/** What others wrote (gates, servers, hooks, clients, operators) does nothing to the terminal of who reads it. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GateHandshake } from '../../src/handshake/gate.ts';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../src/migration/ledger/sqlite.ts';
import type { Code } from '../../src/policy/codes.ts';
import { refusal } from '../../src/policy/decision.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { claimed, requestOf } from '../support/ledger.ts';
import { serveGate } from './support.ts';

/** Clears the screen, forges a line, turns the direction of text, and is an OSC of C1. */
const EVIL = 'a\u001b[2J\nforged\r\u202eb\u009d0;title\u2028c\ufeff';
const SHOWN = 'a\\u001b[2J\\u000aforged\\u000d\\u202eb\\u009d0;title\\u2028c\\ufeff';
const evil = (name: string) => `${name}${EVIL}`;

/** All that a command printed is harmless, and shows what was said for each of `names`. */
function expectHarmless(text: string, ...names: string[]): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029\ufeff]/);
  expect(text).not.toMatch(/^forged/m);
  for (const name of names) expect(text).toContain(`${name}${SHOWN}`);
}

/** A gate that answers every hello as it is told. */
async function hostileGate(answer: (handshake: GateHandshake, send: (bytes: Uint8Array) => void) => void) {
  const gate = net.createServer((socket) => {
    const handshake = new GateHandshake();
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (handshake.state === 'permitted' || handshake.receive(bytes) === null) return;
      answer(handshake, (frame) => socket.write(frame));
      socket.end();
    });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  onTestFinished(() => void gate.close());
  return `skewgate://127.0.0.1:${(gate.address() as net.AddressInfo).port}/?version=4.14.0`;
}

const refused = {
  ...refusal('NO_SERVER', evil('message ')),
  code: evil('code ') as Code,
  move: { side: 'server' as const, to: evil('to '), who: [evil('who ')] },
  sqlState: null,
  trace: [],
  notes: [],
};

test('a gate that refuses', async () => {
  const url = await hostileGate((handshake, send) => {
    send(handshake.wait({ code: evil('wait '), reason: evil('reason '), progress: null, deadlineMs: 1_000 }));
    const { notices: _, ...decision } = refused;
    send(handshake.refuse(decision));
  });
  const { status, stderr } = await runCli(['connect', url]);
  expect(status).toBe(1);
  expectHarmless(stderr, 'wait ', 'reason ', 'code ', 'message ', 'to ', 'who ');
});

test('a gate that admits', async () => {
  const url = await hostileGate((handshake, send) => {
    const { notices: _, ...decision } = { ...refused, verdict: 'permit' as const };
    send(
      handshake.permit({
        session: evil('session '),
        server: { id: evil('server '), version: evil('') },
        level: 28,
        waitedMs: 0,
        notices: [evil('notice ')],
        decision,
      }),
    );
  });
  const { stderr } = await runCli(['connect', url, '--hold']);
  expectHarmless(stderr, 'session ', 'server ', 'notice ');
});

test('hooks, clients and operators, as the ledger has them', async () => {
  const file = path.join(tempFolder(), 'ledger.db');
  const store = new SqliteStore({ file, clock: realClock });
  onTestFinished(() => store.close());
  const ledger = new Ledger(store, 'main', realClock);
  const request = requestOf(evil('owner '), '4.13.0', '4.14.0');
  const held = claimed(
    await ledger.claim({ ...request, trigger: { ...request.trigger, client: evil('client ') } }, 60_000),
  );
  await held.note({ progress: { done: 0.5, text: evil('progress ') } });
  const run = async (verb: string) =>
    (await runCli(['migration', verb, '--ledger', `sqlite:${file}`])).stdout;
  expectHarmless(await run('status'), 'owner ', 'client ', 'progress ');
  expectHarmless((await runCli(['migration', 'status', '--json', '--ledger', `sqlite:${file}`])).stdout);
  await held.fail(evil('error '), null);
  await ledger.block({ by: evil('by '), reason: evil('reason ') }, null);
  await ledger.approve({ by: evil('approver '), reason: evil('because ') });
  expectHarmless(await run('status'), 'error ', 'by ', 'reason ', 'approver ', 'because ');
  expectHarmless(await run('history'), 'client ', 'error ', 'by ', 'reason ');
});

test.each([
  [
    'a program that is asked for the version',
    (script: string) => `{ command: [sh, ${script}] }`,
    /server s1: down: .*level/,
  ],
  ['a hook', () => '4.14.0', /upgrade: failed: .*level/],
])('%s, as the terminal of a gate says it', async (_, version, said) => {
  const script = path.join(tempFolder(), 'evil.sh');
  writeFileSync(script, `printf 'no \\033[2Jlevel\\r\\302\\233H\\n' >&2; exit 3\n`);
  const server = net.createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  const gate = await serveGate(
    [
      `servers: [{ id: s1, address: "tcp://127.0.0.1:${port}", version: ${version(script)} }]`,
      `migration: { ledger: "memory:", baseline: 4.13.0, hook: { command: [sh, ${script}] } }`,
      'timeouts: { hold: 1s }',
      '',
    ].join('\n'),
  );
  expectHarmless((await runCli(['connect', gate.url('4.14.0')])).stderr);
  await gate.program.waitFor(said, 'stderr');
  expectHarmless(gate.program.stderr);
  gate.program.signal('SIGTERM');
  await gate.program.exited;
});

test('any record of a decision log', async () => {
  const file = path.join(tempFolder(), 'decisions.ndjson');
  const common = { time: '2026-01-31T12:00:00.000Z', gate: evil('gate '), cluster: 'main' };
  const records = [
    {
      ...common,
      event: 'handshake',
      verdict: 'refuse',
      code: evil('code '),
      rule: evil('rule '),
      client: evil('client '),
      message: evil('message '),
      properties: { [evil('name ')]: evil('value ') },
    },
    { ...common, event: 'server', server: evil('server '), state: 'down', lastError: evil('error ') },
    { ...common, event: 'session-end', client: evil('client '), session: evil('session '), reason: evil('') },
    { ...common, event: 'migration', what: evil('what '), error: evil('failure ') },
    { ...common, event: 'gate', what: 'fault', error: evil('fault ') },
  ];
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  expectHarmless(
    (await runCli(['log', file])).stdout,
    ...[
      'code ',
      'rule ',
      'client ',
      'message ',
      'server ',
      'error ',
      'session ',
      'what ',
      'failure ',
      'fault ',
    ],
  );
  for (const more of [[], ['--summary'], ['--every', '1m']])
    expectHarmless((await runCli(['log', file, '--json', ...more])).stdout);
  expectHarmless((await runCli(['log', file, '--summary'])).stdout, 'code ', 'client ');
  expectHarmless((await runCli(['log', file, '--every', '1m'])).stdout, 'code ');
});
