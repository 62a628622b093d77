/** What stands between clients and servers in a measurement: a proxy, or nothing at all. */
import type { Subject, Values, Variant } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import type { Program } from '../machine/process.ts';
import { missing } from '../machine/programs.ts';

/** A proxy that takes clients. */
export interface Running extends AsyncDisposable {
  /** null: there is no proxy. */
  readonly pid: number | null;
  readonly port: number;
  /** Where it takes clients over WebSocket. */
  readonly webSocketPort?: number;
}

export interface ProxyKind {
  readonly id: string;
  /** Programs that it takes. */
  readonly needs: readonly string[];
  /** Starts it in front of servers on these ports. */
  start(lab: Lab, servers: readonly number[]): Promise<Running>;
}

/** A variant of an experiment that drives clients through a proxy, which runs from the first round to the last. */
export function through(proxy: ProxyKind, measure: (lab: Lab, running: Running) => Promise<Values>): Variant {
  const servers = async (lab: Lab) => (await lab.backend()).ports;
  return inFrontOf({ needs: ['cc'], servers }, proxy, measure);
}

/** Servers that stand behind a proxy. */
export interface Servers {
  /** Programs that they take. */
  readonly needs: readonly string[];
  /** Their ports. */
  servers(lab: Lab): Promise<readonly number[]>;
}

/** As `through`, in front of other servers. */
export function inFrontOf(
  { needs, servers }: Servers,
  proxy: ProxyKind,
  measure: (lab: Lab, running: Running) => Promise<Values>,
): Variant {
  return {
    id: proxy.id,
    missing: () => missing(...needs, ...proxy.needs),
    async open(lab): Promise<Subject> {
      const running = lab.own(await proxy.start(lab, await servers(lab)));
      return {
        measure: () => measure(lab, running),
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  };
}

/** A variant of which each round starts anew. */
export function eachRound(
  id: string,
  needs: readonly string[],
  measure: (lab: Lab) => Promise<Values>,
): Variant {
  return {
    id,
    missing: () => missing(...needs),
    open: async (lab) => ({ measure: () => measure(lab), async [Symbol.asyncDispose]() {} }),
  };
}

/** A running proxy made of a program. */
export function runningProgram(program: Program, ports: { port: number; webSocketPort?: number }): Running {
  return { pid: program.pid, ...ports, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
