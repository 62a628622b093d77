/**
 * A server as a process of its own: a simulated one, or a program that the scenario names. It listens on another
 * port each time, to which links lead; one that does not speak the handshake keeps its port, where gates dial it
 * directly: nobody but itself can say that it is down.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/schema.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import type { Scenario } from '../scenario.ts';
import { ManagedProcess, skewgate } from './managed-process.ts';
import { answers, fill, freePort } from './program.ts';

export interface RealServerOptions {
  readonly id: string;
  readonly scheme: 'tcp' | 'ws';
  readonly stated: Scenario['servers'];
  /** Where its files are. */
  readonly folder: string;
  /** Where programs of the scenario run. */
  readonly base: string;
  /** File with the system tables, and the release that left them; null: there are none. */
  readonly tables: { readonly file: string; readonly release: string } | null;
  /** On this port of 127.0.0.1 from now on; null: nowhere. */
  readonly onMove: (port: number | null) => void;
  readonly say: (line: string) => void;
  readonly over: AbortSignal;
}

const READY = /^server \S+ \S+ on (?:tcp|ws):\/\/127\.0\.0\.1:(\d+)/m;
/** What a program gets until it takes connections, and how often that is tried, ms. */
const START_MS = 30_000;
const POLL = 25;

/** A server of a fleet of real processes, over all its restarts and versions. */
export class RealServer {
  readonly id: string;
  readonly process: ManagedProcess;
  readonly #options: RealServerOptions;
  #version: string;
  /** Of one that does not speak the handshake. */
  #port: number | null = null;

  constructor(options: RealServerOptions) {
    const { id, stated, onMove, say, over } = options;
    this.#options = options;
    this.#version = stated.version;
    this.id = id;
    this.process = new ManagedProcess({ id, say, over, onDown: () => onMove(null) });
  }

  get speaksHandshake(): boolean {
    const { command, handshake } = this.#options.stated;
    return command === undefined || handshake;
  }

  /** As a gate's config has it. @param link where it is found if it speaks the handshake, `HOST:PORT`. */
  async place(link: string): Promise<Config['servers'][number]> {
    const { id } = this;
    const { command, scheme } = { ...this.#options.stated, ...this.#options };
    if (this.speaksHandshake) return { id, address: `${command === undefined ? scheme : 'tcp'}://${link}` };
    this.#port ??= await freePort();
    return { id, address: `tcp://127.0.0.1:${this.#port}`, version: { command: ['cat', this.#versionFile] } };
  }

  /** Does nothing if it runs. */
  async start(version = this.#version): Promise<void> {
    this.#version = version;
    if (this.process.running) return;
    const { command } = this.#options.stated;
    this.#options.onMove(command === undefined ? await this.#simulate() : await this.#run(command));
  }

  async #simulate(): Promise<number> {
    const { stated, tables, scheme } = this.#options;
    const [, port] = await this.process.start(
      skewgate(
        'server',
        ...['--id', this.id, '--version', this.#version, '--listen', `${scheme}://127.0.0.1:0`],
        // How long sessions get is for whoever stops it to say: see ManagedProcess.stop.
        ...['--grace', '1d', '--upgrade-time', `${stated.upgradeTime}ms`],
        ...(tables === null ? [] : ['--tables', tables.file, '--tables-release', tables.release]),
      ),
      READY,
    );
    return Number(port);
  }

  async #run(command: readonly string[]): Promise<number> {
    const { base, over } = this.#options;
    const { id } = this;
    const port = this.#port ?? (await freePort());
    writeFileSync(this.#versionFile, this.#version);
    const filled = fill(command, { id, version: this.#version, host: '127.0.0.1', port });
    await this.process.start(filled, /(?:)/, base);
    const end = realClock.monotonic() + START_MS;
    while (!(await answers(port))) {
      if (!this.process.running || realClock.monotonic() > end || over.aborted)
        throw new Error(`${filled.join(' ')} does not take connections on port ${port}`);
      await pause(realClock, POLL, over);
    }
    return port;
  }

  get #versionFile(): string {
    return path.join(this.#options.folder, `${this.id}.version`);
  }
}
