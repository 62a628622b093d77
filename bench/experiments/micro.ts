/** Parts of the gate by themselves, by mitata: verdicts, the codec, the log, and the relay without sockets. */
import { do_not_optimize, measure } from 'mitata';
import { createRecorder } from '../../src/decision/log.ts';
import { createLogSink } from '../../src/decision/sink.ts';
import type { HandshakeEvent } from '../../src/events/events.ts';
import { GateHandshake } from '../../src/handshake/gate.ts';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { freezeServers } from '../../src/policy/roster.ts';
import type { ClientFacts, ClusterFacts, ServerFacts } from '../../src/policy/types.ts';
import type { Connection, ConnectionHandlers } from '../../src/ports/transport.ts';
import { streams } from '../../src/relay/engine.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { parseVersion } from '../../src/version/version.ts';
import type { Experiment, Figure, Values } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import { HELLO, permitMessage } from '../native/canned.ts';
import { eachRound } from '../subjects/proxy.ts';

/** Clients of these releases take turns, so that no answer is simply the last one. */
const RELEASES = ['4.13.0', '4.13.1', '4.14.0', '4.14.1', '4.15.0', '4.12.0', '4.11.2', '5.0.0'];
const CLIENTS: readonly ClientFacts[] = RELEASES.map((release) => ({
  version: parseVersion(release),
  upgrade: 'may',
}));
const SERVER_RELEASES = ['4.14.0', '4.14.1', '4.14.3'].map((release) => parseVersion(release));

function serversOf(count: number): ServerFacts[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `s${at + 1}`,
    version: SERVER_RELEASES[at % SERVER_RELEASES.length] as (typeof SERVER_RELEASES)[number],
    state: 'up',
    level: 28,
  }));
}

const factsOf = (servers: readonly ServerFacts[]): ClusterFacts => ({
  servers,
  level: 28,
  upgrade: { state: 'idle' },
});

/** Calls per second. */
async function rateOf(lab: Lab, act: () => unknown): Promise<number> {
  const stats = await measure(() => do_not_optimize(act()), { min_cpu_time: lab.quick ? 5e6 : 150e6 });
  return 1e9 / stats.p50;
}

/** What `decide` does with each client in turn. */
function deciding(facts: ClusterFacts, read: (decision: ReturnType<typeof decide>) => unknown) {
  let turn = 0;
  return () => read(decide(CLIENTS[turn++ % CLIENTS.length] as ClientFacts, facts, PRESETS.phoenix));
}

/** Verdicts per second for servers as a gate keeps them: what was found for a release is remembered with them. */
export function verdictRate(lab: Lab, count: number): Promise<number> {
  return rateOf(
    lab,
    deciding(factsOf(freezeServers(serversOf(count))), ({ code }) => code),
  );
}

/** Everything that a client is told, which is long for a refusal. */
const readAll = ({ trace, message }: ReturnType<typeof decide>) => trace.length + message.length;

/** As `verdictRate`, worked out and written out anew each time, since nothing is remembered for a plain list. */
export function anewRate(lab: Lab, count: number): Promise<number> {
  return rateOf(lab, deciding(factsOf(serversOf(count)), readAll));
}

export const DECIDE: Experiment = {
  name: 'decide',
  title: '`decide()`',
  note: 'Clients of eight releases in turn, of which three are refused. A gate remembers what it found for a release until a server changes; anew: for a list of servers of which nothing is remembered.',
  reference: null,
  figures: [
    {
      key: 'verdict',
      title: '`decide()`, verdict alone, 3 servers',
      unit: '/s',
      more: true,
      goal: { least: 5e6, aim: 10e6 },
    },
    {
      key: 'trace',
      title: '`decide()` with its trace, 3 servers',
      unit: '/s',
      more: true,
      goal: { least: 4e5, aim: 1e6 },
    },
    {
      key: 'anew',
      title: '`decide()` with its trace, 3 servers, anew',
      unit: '/s',
      more: true,
      goal: { least: 4e5, aim: 1e6 },
    },
    {
      key: 'many',
      title: '`decide()`, 10,000 servers against 3',
      unit: 'times',
      more: false,
      goal: { least: 1.2, aim: 1.05 },
    },
  ],
  variants: [
    eachRound('gate', [], async (lab) => {
      const frozen = factsOf(freezeServers(serversOf(3)));
      const verdict = await verdictRate(lab, 3);
      return {
        verdict,
        trace: await rateOf(lab, deciding(frozen, readAll)),
        anew: await anewRate(lab, 3),
        many: verdict / (await verdictRate(lab, 10_000)),
      };
    }),
  ],
};

const perSecond = (key: string, title: string): Figure => ({ key, title, unit: '/s', more: true });

export const PARTS: Experiment = {
  name: 'parts',
  title: 'parts of a session',
  note: 'Each by itself, without sockets.',
  reference: null,
  figures: [
    perSecond('hello', "reading a client's preface and hello"),
    perSecond('permit', 'writing a permit'),
    perSecond('record', 'a record of the decision log, up to its line'),
    perSecond('relay', 'a relayed chunk'),
  ],
  variants: [eachRound('gate', [], measureParts)],
};

async function measureParts(lab: Lab): Promise<Values> {
  return {
    hello: await rateOf(lab, () => new GateHandshake().receive(HELLO)),
    permit: await rateOf(lab, permitting()),
    record: await rateOf(lab, recording()),
    relay: await rateOf(lab, relaying()),
  };
}

/** A state machine writes one permit: each gets a hello first, so this counts both. */
function permitting(): () => Uint8Array {
  const message = permitMessage();
  return () => {
    const handshake = new GateHandshake();
    handshake.receive(HELLO);
    return handshake.permit(message);
  };
}

function recording(): () => number {
  let length = 0;
  const record = createRecorder((line) => {
    length = line.length;
  }, realClock);
  const sink = createLogSink({
    log: { lostInAll: 0, write: record, async close() {} },
    identity: { gate: 'bench', cluster: 'main' },
    settings: { traces: 'refused' },
  });
  const facts = factsOf(freezeServers(serversOf(3)));
  const event: HandshakeEvent = {
    event: 'handshake',
    decision: decide(CLIENTS[2] as ClientFacts, facts, PRESETS.phoenix),
    connection: '0123456789ab',
    listener: 'tcp://127.0.0.1:8700',
    peer: '127.0.0.1:50000',
    protocol: 'skewgate',
    claim: null,
    tls: { requested: false, version: null },
    driver: 'bench',
    properties: {},
    identity: null,
    credential: null,
    session: '0123456789abcdef',
    server: 's1',
    serverVersion: '4.14.0',
    waitedFor: null,
    phases: { helloMs: 0.1, heldMs: 0, dialMs: 0.2, totalMs: 0.4 },
    policyHash: '0123456789ab',
  };
  return () => {
    sink.emit(event);
    return length;
  };
}

/** Both ends of a session, without sockets: what a client sends is handed to `send` of the server's side. */
function relaying(): () => void {
  const [client, server] = [new Wire(), new Wire()];
  streams.start(client, server, { chunks: [], ended: false });
  const chunk = new Uint8Array(65_536);
  return () => client.handlers?.data(chunk);
}

class Wire implements Connection {
  readonly peer = 'bench';
  handlers: ConnectionHandlers | null = null;

  handle(handlers: ConnectionHandlers): void {
    this.handlers = handlers;
  }

  send(): boolean {
    return true;
  }

  sendLent(): boolean {
    return true;
  }

  limitMessages(): void {}
  end(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  destroy(): void {}
}
