/**
 * Ten thousand clients that come at once, and come again at once when they are refused, against a gate on real sockets
 * that has sessions under way: a pause keeps all of them out, and ends. The time until all are in is tested on virtual
 * time (ramp.test.ts), since here it is the machine's.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Lab, type LoadResult } from '../../bench/lab.ts';
import type { Program } from '../../bench/machine/process.ts';
import { missing } from '../../bench/machine/programs.ts';
import { configSchema } from '../../src/config/schema.ts';
import { buildGate } from '../../src/gateway/build.ts';
import type { Gate } from '../../src/gateway/gate.ts';
import { realRuntime } from '../../src/runtime/real.ts';

const HERE = process.platform === 'linux' && missing('cc') === null;
const CLIENTS = 10_000;
/** Clients that the gate holds at most: the others are refused, and come again at once. */
const HELD = 5_000;
const SESSIONS = 64;
/** Of the 99th percentile of an echo beside the storm to that before it. */
const RATIO = 10;
/** ms that no turn of the event loop takes. It was above 1,000 while all who were held went on in one of them. */
const LONGEST_TURN = 800;
/** Refusals after which the pause ends. */
const REFUSED = 1_000;
/** ms for what has to happen sooner or later. */
const LIMIT = 120_000;

async function startGate(lab: Lab): Promise<Gate> {
  const { ports } = await lab.backend();
  const config = configSchema.parse({
    listen: [{ tcp: '127.0.0.1:0' }],
    servers: ports.map((port, at) => ({ id: `s${at + 1}`, address: `tcp://127.0.0.1:${port}` })),
    limits: { handshakes: HELD },
    log: { file: 'decisions.ndjson' },
    migration: { ledger: 'memory:' },
  });
  const { gate, log } = buildGate(config, { ...realRuntime, folder: lab.folder, say() {} });
  await gate.start();
  onTestFinished(async () => {
    await gate.stop(0);
    await log.close();
  });
  return gate;
}

async function until(holds: () => boolean): Promise<void> {
  for (const limit = AbortSignal.timeout(LIMIT); !holds(); await sleep(5)) limit.throwIfAborted();
}

test.skipIf(!HERE)(
  'ten thousand clients that retry at once all get in, and sessions under way keep their latency',
  async () => {
    await using lab = await Lab.create({ quick: false });
    const gate = await startGate(lab);
    const port = Number(gate.status().addresses[0]?.split(':').at(-1));
    const ping = (seconds: number) =>
      lab.start(lab.loadCommand({ mode: 'ping', port, connections: SESSIONS, seconds }));
    const resultOf = async (program: Program): Promise<LoadResult> => JSON.parse(await program.output(LIMIT));
    const before = await resultOf(await ping(5));

    const beside = await ping(15);
    await until(() => gate.status().sessions === SESSIONS);
    const turns = monitorEventLoopDelay({ resolution: 5 });
    onTestFinished(() => void turns.disable());
    turns.enable();
    await gate.operations.pause({ by: 'test', reason: 'a storm' });
    const storm = await lab.start(lab.loadCommand({ mode: 'retry', port, connections: CLIENTS }));
    await until(() => gate.status().handshakes === HELD);
    await until(() => (gate.status().connections.ended.get('refused') ?? 0) >= REFUSED);
    expect(gate.status().sessions).toBe(SESSIONS);
    await gate.operations.resume({ by: 'test', reason: 'a storm' });
    const { admitted, failed } = await resultOf(storm);
    const { p99 } = await resultOf(beside);
    console.log(
      `${failed} refused before all were in; p99 of an echo ${Math.round(before.p99)} µs, beside the storm ${Math.round(p99)} µs; longest turn ${Math.round(turns.max / 1e6)} ms`,
    );
    expect(admitted).toBe(CLIENTS);
    expect(failed).toBeGreaterThanOrEqual(REFUSED);
    expect(p99 / before.p99).toBeLessThan(RATIO);
    expect(turns.max / 1e6).toBeLessThan(LONGEST_TURN);
  },
);
