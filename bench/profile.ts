/**
 * `npm run bench -- profile`: where the time of a handshake goes. A gate is profiled while sessions come and go, and the
 * time of each function itself (not of what it calls) is added up by what it belongs to. The profile is kept: a
 * browser's developer tools show it, and beside it a flame graph is drawn of it.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from './lab.ts';
import { drawFlame, type Flame } from './pictures/flame.ts';
import { SERVE, startGate } from './subjects/gate.ts';

/** Of a V8 CPU profile, what is read. Times in µs. */
interface Profile {
  readonly startTime: number;
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
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
  const title = 'Handshakes of 64 clients in flight: time by function, with what it calls';
  writeFileSync(path.join(folder, 'handshake.svg'), drawFlame(flameOf(profile, from, to), title, colourOf));
  return tableOf(selfTimes(profile, from, to), admitted);
}

/** The tree of calls with the time of samples between two moments; idle time is left out. */
export function flameOf(profile: Profile, from: number, to: number): Flame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const times = timesOf(profile, from, to);
  return build(profile.nodes[0]?.id ?? 0) ?? { name: 'all', value: 0, children: [] };

  function build(id: number): Flame | null {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') return null;
    const children = (node.children ?? []).flatMap((child) => build(child) ?? []);
    const value = (times.get(id) ?? 0) + children.reduce((sum, child) => sum + child.value, 0);
    return value === 0 ? null : { name: nameOf(node.callFrame), value, children };
  }
}

function nameOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  const place = /\/(?:dist|src)\/(.+)$/.exec(url)?.[1] ?? /node_modules\/(.+)$/.exec(url)?.[1] ?? url;
  return `${functionName || '(anonymous)'}${place && ` ${place}`}`;
}

function colourOf(name: string): 'own' | 'node' | 'system' | 'library' {
  const place = name.split(' ').at(-1) ?? '';
  if (place.startsWith('node:')) return 'node';
  if (!place.includes('/')) return 'system';
  return /^[a-z]+\/[a-z/-]+\.js$/.test(place) && !place.startsWith('msgpackr') ? 'own' : 'library';
}

/** µs by what the time belongs to, of the samples between two moments. */
export function selfTimes(profile: Profile, from: number, to: number): Map<string, number> {
  const owners = new Map(profile.nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [id, time] of timesOf(profile, from, to)) {
    const owner = owners.get(id) ?? null;
    if (owner !== null) times.set(owner, (times.get(owner) ?? 0) + time);
  }
  return times;
}

/** µs of each node itself, of the samples between two moments. */
function timesOf(profile: Profile, from: number, to: number): Map<number, number> {
  const times = new Map<number, number>();
  let at = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    if (at >= from && at <= to) times.set(id, (times.get(id) ?? 0) + delta);
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
