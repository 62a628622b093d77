/**
 * System calls of a proxy for each session, counted by `strace` while sessions come and go: a count and no time, so that
 * a machine with much else to do counts nearly the same. Many sessions at once share calls that wait for events.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from './lab.ts';
import { Program } from './machine/process.ts';
import { startGate } from './subjects/gate.ts';
import { HAPROXY } from './subjects/haproxy.ts';

const IN_FLIGHT = 64;
/** Calls of fewer than one session in so many are left out. */
const RARE = 20;

/** Counts those of HAProxy and of a gate, and returns the table as Markdown. @throws {Error} if strace is missing */
export async function systemCalls(lab: Lab): Promise<string> {
  const { ports } = await lab.backend();
  const haproxy = await callsOf(lab, await HAPROXY.start(lab, ports));
  const gate = await callsOf(lab, await startGate(lab, ports));
  const names = [...new Set([...haproxy.keys(), ...gate.keys()])];
  const most = (name: string) => Math.max(haproxy.get(name) ?? 0, gate.get(name) ?? 0);
  const rows = names
    .filter((name) => most(name) >= 1 / RARE)
    .sort((one, other) => most(other) - most(one))
    .map((name) => `| \`${name}\` | ${printed(haproxy.get(name))} | ${printed(gate.get(name))} |`);
  const sum = (counts: ReadonlyMap<string, number>) =>
    [...counts.values()].reduce((all, count) => all + count, 0);
  const last = `| all | ${printed(sum(haproxy))} | ${printed(sum(gate))} |`;
  return ['| system call, for each session | haproxy | gate |', '| --- | --- | --- |', ...rows, last].join(
    '\n',
  );
}

/** For each session, by name. */
async function callsOf(
  lab: Lab,
  { pid, port }: { readonly pid: number | null; readonly port: number },
): Promise<Map<string, number>> {
  const file = path.join(lab.newFolder('calls'), 'counts');
  const load = { mode: 'sessions', port, connections: IN_FLIGHT } as const;
  await lab.load(load);
  const strace = await Program.start(
    ['strace', '-f', '-c', '-U', 'calls,name', '-o', file, '-p', String(pid)],
    { stop: 'SIGINT' },
  );
  await strace.line('stderr', /attached/);
  const { admitted } = await lab.load(load);
  await strace[Symbol.asyncDispose]();
  const rows = readFileSync(file, 'utf8').matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm);
  return new Map(
    [...rows].flatMap(([, count, name = '']): [string, number][] =>
      name === 'total' ? [] : [[name, Number(count) / admitted]],
    ),
  );
}

const printed = (count = 0) => count.toFixed(1);
