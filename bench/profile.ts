/**
 * `npm run bench -- profile`: where the time of a handshake goes. A gate is profiled while sessions come and go, and the
 * time of each function itself (not of what it calls) is added up by what it belongs to. The profile is kept: a
 * browser's developer tools, and other viewers of V8's profiles, show it as a flame graph.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from './lab.ts';
import { SERVE, startGate } from './subjects/gate.ts';

/** Of a V8 CPU profile, what is read. Times in µs. */
interface Profile {
  readonly startTime: number;
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }>;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const IN_FLIGHT = 64;
/** Seconds: until V8 has compiled what is hot, and of what counts. */
const [WARM_UP, MEASURED] = [10, 10];
/** Node's functions that do nothing but a call of the system, which V8 counts as theirs. */
const CALLS = new Set(['internalConnect', 'Socket._getpeername']);

/** Profiles a gate, and returns the table as Markdown. */
export async function profileHandshakes(lab: Lab, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const before = new Set(readdirSync(folder));
  const gate = await startGate(lab, (await lab.backend()).ports, {
    command: ['--cpu-prof', `--cpu-prof-dir=${folder}`, ...SERVE],
  });
  const load = { mode: 'sessions', port: gate.port, connections: IN_FLIGHT } as const;
  await lab.load({ ...load, seconds: WARM_UP });
  // V8 counts from the same moment.
  const from = Number(process.hrtime.bigint() / 1_000n);
  const { admitted } = await lab.load({ ...load, seconds: MEASURED });
  const to = Number(process.hrtime.bigint() / 1_000n);
  await gate[Symbol.asyncDispose]();
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile') && !before.has(name));
  if (file === undefined) throw new Error('the gate left no profile');
  const profile: Profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  return tableOf(selfTimes(profile, from, to), admitted);
}

/** µs by what the time belongs to, of the samples between two moments. */
export function selfTimes(profile: Profile, from: number, to: number): Map<string, number> {
  const owners = new Map(profile.nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
  const times = new Map<string, number>();
  let at = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    const owner = owners.get(id) ?? null;
    if (owner !== null && at >= from && at <= to) times.set(owner, (times.get(owner) ?? 0) + delta);
  }
  return times;
}

/** Null: nothing was done. */
function ownerOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string | null {
  if (functionName === '(idle)') return null;
  if (functionName === '(garbage collector)') return 'collecting garbage';
  if (functionName === '(program)') return 'libuv and V8 themselves: waiting for events, `accept`, `read`';
  if (CALLS.has(functionName) || url === '')
    return 'system calls and what Node wraps around them: `write`, `connect`, `close`';
  if (url.startsWith('node:net')) return "Node's `net`";
  if (/^node:(internal\/streams|events|internal\/stream_base|buffer|internal\/buffer)/.test(url))
    return "Node's streams, events and buffers";
  if (url.startsWith('node:')) return 'the rest of Node: timers, promises';
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (name !== undefined) return `library ${name}`;
  const [, own] = /\/(?:dist|src)\/([^/]+)\//.exec(url) ?? [];
  return own === undefined ? 'libraries in WebAssembly' : `\`src/${own}\``;
}

function tableOf(times: ReadonlyMap<string, number>, sessions: number): string {
  const sum = [...times.values()].reduce((all, time) => all + time, 0);
  const rows = [...times]
    .sort(([, a], [, b]) => b - a)
    .filter(([, time]) => time >= sum / 200)
    .map(
      ([owner, time]) =>
        `| ${owner} | ${((100 * time) / sum).toFixed(1)} % | ${Math.round(time / sessions)} |`,
    );
  return ['| self time of | share | µs each |', '| --- | --- | --- |', ...rows].join('\n');
}
