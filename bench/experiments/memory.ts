/** Memory for each session that is open and idle, and for each client that is held, from the difference in RSS. */
import type { Experiment, Values } from '../experiment.ts';
import type { Lab, Load } from '../lab.ts';
import { Program } from '../machine/process.ts';
import { LONG, settledKib } from '../machine/settle.ts';
import { descriptorLimit } from '../machine/usage.ts';
import { GATE, startGate } from '../subjects/gate.ts';
import { HAPROXY } from '../subjects/haproxy.ts';
import { NGINX } from '../subjects/nginx.ts';
import { eachRound, type ProxyKind, type Running } from '../subjects/proxy.ts';

const MANY = 10_000;
/** Descriptors for all but the sessions. */
const OTHERS = 150;
/** Clients that come and go before memory is looked at for the first time. */
const FIRST = 500;

/** How many sessions a proxy can have here: each takes two descriptors. */
export const mostSessions = () => Math.min(MANY, Math.floor((descriptorLimit() - OTHERS) / 2));
const mostHeld = () => Math.min(MANY, descriptorLimit() - OTHERS);

/** Clients that came, and stay until they are disposed of. */
export async function holdClients(
  lab: Lab,
  load: Omit<Load, 'mode'>,
  mode: 'hold' | 'wait' = 'hold',
): Promise<Program> {
  const program = lab.own(await Program.start(lab.loadCommand({ ...load, mode })));
  await program.line('stdout', /^ready$/);
  return program;
}

/** KiB for each of `count` clients, after some have come and gone. */
async function memoryEach(
  lab: Lab,
  { pid }: Running,
  load: Omit<Load, 'mode' | 'connections'>,
  count: number,
  { mode = 'hold', least }: { mode?: 'hold' | 'wait'; least?: number | undefined } = {},
): Promise<Values> {
  const first = await holdClients(lab, { ...load, connections: Math.min(count, FIRST) }, mode);
  await first[Symbol.asyncDispose]();
  const before = await settledKib(lab, pid as number, least);
  await using _clients = await holdClients(lab, { ...load, connections: count }, mode);
  const after = await settledKib(lab, pid as number, least);
  return { each: (after - before) / count, clients: count };
}

function idle(proxy: ProxyKind, webSocket: boolean) {
  return eachRound(webSocket ? `${proxy.id}-ws` : proxy.id, ['cc', ...proxy.needs], async (lab) => {
    await using running = lab.own(await proxy.start(lab, (await lab.backend()).ports));
    const port = webSocket ? (running.webSocketPort as number) : running.port;
    const least = proxy === GATE ? LONG : undefined;
    return await memoryEach(lab, running, { port, webSocket }, lab.quick ? 100 : mostSessions(), { least });
  });
}

export const MEMORY: Experiment = {
  name: 'memory',
  title: 'memory per idle session',
  note: `${MANY} sessions, or as many as the descriptors allow`,
  reference: null,
  rounds: 3,
  figures: [{ key: 'each', title: 'memory per idle session', unit: 'KiB', more: false }],
  goals: { gate: { least: 9, aim: 5 }, 'gate-ws': { least: 14, aim: 9 } },
  variants: [idle(HAPROXY, false), idle(NGINX, false), idle(GATE, false), idle(GATE, true)],
};

/** Tables of 4.13 behind servers of 4.14: the first client brings an upgrade, which never ends here. */
const LEVEL_BEFORE = 27;

export const HELD: Experiment = {
  name: 'held',
  title: 'held client, memory each',
  note: `${MANY} clients that wait for an upgrade, told so every second`,
  reference: null,
  rounds: 3,
  figures: [{ key: 'each', title: 'held client, memory each', unit: 'KiB', more: false }],
  goals: { gate: { least: 8, aim: 4 } },
  variants: [
    eachRound('gate', ['cc'], async (lab) => {
      const { ports } = await lab.backendAt(LEVEL_BEFORE);
      await using running = lab.own(
        await startGate(lab, ports, {
          config: {
            migration: { hold: { deadline: '10m', clients: 2 * MANY } },
            limits: { handshakes: 2 * MANY },
          },
        }),
      );
      return await memoryEach(lab, running, { port: running.port }, lab.quick ? 100 : mostHeld(), {
        mode: 'wait',
      });
    }),
  ],
};
