/**
 * What a schedule is played on: real gates in processes of their own, servers that keep their tables in a file, a
 * ledger on a small disk of its own or on a real etcd behind wires that can be cut.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { FileTables } from '../migration/failure-scenarios/file-tables.ts';
import { GateProcess } from '../migration/failure-scenarios/gate-process.ts';
import { Relay } from '../migration/failure-scenarios/relay.ts';
import { runCli } from '../support/cli.ts';
import { realEnvironment } from '../support/environment.ts';
import type { Etcd } from '../support/etcd.ts';
import { tempFolder } from '../support/folder.ts';
import { TestServer } from '../support/servers.ts';
import { signalHook, writeHook } from './hook.ts';
import { type Fault, GATES, type Schedule, SERVERS } from './schedule.ts';

export const FROM_LEVEL = 27;
export const TO_LEVEL = 28;
/** Short, so that a takeover does not take long. */
const LEASE = '2s';
/** More than the log that SQLite writes ahead grows to by itself. */
const DISK_KB = 8_192;
/** How an attempt ends, in a gate's log. */
const ENDS: ReadonlySet<string> = new Set(['done', 'failed', 'not-needed', 'lost', 'released']);

interface Slot {
  readonly file: string;
  gate: GateProcess | null;
  /** Whether it listens: it has an address then. */
  listening: boolean;
  starting: Promise<void> | null;
  /** Times in which this gate could not be asked to answer: killed, stopped or frozen. */
  readonly away: Array<{ readonly from: number; until: number }>;
}

export class Fleet {
  readonly folder = tempFolder();
  readonly tables = new FileTables(this.folder, FROM_LEVEL);
  readonly servers: TestServer[] = [];
  readonly slots: Slot[] = [];
  readonly #schedule: Schedule;
  readonly #etcd: Etcd | null;
  readonly #wires: Relay[] = [];
  readonly #disk: string;
  /** What each operator's command printed, for the report. */
  readonly said: string[] = [];

  private constructor(schedule: Schedule, etcd: Etcd | null) {
    this.#schedule = schedule;
    this.#etcd = etcd;
    this.#disk = path.join(this.folder, 'disk');
    writeFileSync(path.join(this.folder, 'alive'), '');
    onTestFinished(() => rmSync(path.join(this.folder, 'alive'), { force: true }));
  }

  static async start(schedule: Schedule, etcd: Etcd | null): Promise<Fleet> {
    const fleet = new Fleet(schedule, etcd);
    if (etcd === null) fleet.#mount();
    for (let at = 0; at < SERVERS; at++)
      fleet.servers.push(
        await TestServer.start(realEnvironment, `s${at + 1}`, {
          version: `4.14.${at}`,
          tables: fleet.tables,
          upgradeMs: schedule.work,
        }),
      );
    for (let at = 0; at < GATES; at++) fleet.slots.push(await fleet.#slot(at));
    await Promise.all(fleet.slots.map((_, at) => fleet.startGate(at)));
    return fleet;
  }

  get cluster(): string {
    return `nemesis-${this.#schedule.seed}-${path.basename(this.folder)}`;
  }

  /** As an operator names it, past all cut wires. */
  get ledger(): string {
    return this.#etcd?.url ?? `sqlite:${path.join(this.#disk, 'ledger.db')}`;
  }

  get lines() {
    return this.slots.flatMap(({ gate }) => gate?.log.lines ?? []);
  }

  async startGate(at: number): Promise<void> {
    const slot = this.slots[at] as Slot;
    if (slot.gate !== null) return slot.starting ?? undefined;
    const gate = GateProcess.launch(slot.file);
    slot.gate = gate;
    slot.starting = gate.listening().then(
      () => {
        slot.listening = slot.gate === gate;
        if (slot.listening) this.#back(slot);
      },
      () => {
        if (slot.gate === gate) slot.gate = null;
      },
    );
    await slot.starting;
  }

  async act(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill-gate':
        return this.#end(fault.gate, 'SIGKILL');
      case 'stop-gate':
        return this.#end(fault.gate, 'SIGTERM');
      case 'start-gate':
        return this.startGate(fault.gate);
      case 'freeze-gate':
        return this.#freeze(fault.gate, fault.ms);
      case 'kill-holder':
        return this.#withHolder((gate) => this.#end(gate, 'SIGKILL'));
      case 'freeze-holder':
        return this.#withHolder((gate) => this.#freeze(gate, fault.ms));
      case 'restart-server': {
        const server = this.servers[fault.server] as TestServer;
        await server.stop();
        await passed(fault.ms);
        return server.restart();
      }
      case 'kill-hook':
        return signalHook(this.folder, 'SIGKILL');
      case 'freeze-hook':
        signalHook(this.folder, 'SIGSTOP');
        await passed(fault.ms);
        return signalHook(this.folder, 'SIGCONT');
      case 'full-disk':
        return this.#fill(fault.ms);
      case 'freeze-ledger': {
        const member = this.#etcd?.member(0);
        await member?.pause();
        await passed(fault.ms);
        return member?.resume();
      }
      case 'cut-ledger': {
        const wire = this.#wires[fault.gate];
        wire?.cut();
        await passed(fault.ms);
        return wire?.mend();
      }
      case 'lose-ledger':
        return this.#loseLedger();
      case 'operator':
        return this.operate(fault.verb, fault.ms);
    }
  }

  /** All of it, its history too. */
  async #loseLedger(): Promise<void> {
    if (this.#etcd !== null) {
      const key = (text: string) => Buffer.from(text).toString('base64');
      const [from, to] = ['/skewgate/', '/skewgate0'].map(key);
      await fetch(`http://${this.#etcd.hosts[0]}/v3/kv/deleterange`, {
        method: 'POST',
        body: JSON.stringify({ key: from, range_end: to }),
      });
      return;
    }
    for (const name of readdirSync(this.#disk))
      if (name.startsWith('ledger.db')) rmSync(path.join(this.#disk, name), { force: true });
  }

  async operate(verb: string, ms: number | null = null): Promise<void> {
    const args = [
      'migration',
      verb,
      '--ledger',
      this.ledger,
      '--cluster',
      this.cluster,
      '--reason',
      'nemesis',
    ];
    const { status, stdout, stderr } = await runCli([...args, ...(ms === null ? [] : ['--for', `${ms}ms`])], {
      timeoutMs: 30_000,
    });
    this.said.push(`${verb}: status ${status} ${stdout.trim()} ${stderr.trim()}`);
  }

  async stop(): Promise<void> {
    for (const { gate } of this.slots) await gate?.program.stop('SIGKILL');
    for (const server of this.servers) await server.stop();
  }

  async #slot(at: number): Promise<Slot> {
    const file = path.join(this.folder, `gate-${at + 1}.yaml`);
    let { ledger } = this;
    if (this.#etcd !== null) {
      const wire = await Relay.start(this.#etcd.hosts[0] as string);
      this.#wires.push(wire);
      ledger = `etcd://${wire.host}`;
    }
    const command = writeHook(this.folder, this.#schedule.work, this.#schedule.failures);
    const config = {
      cluster: this.cluster,
      listen: [{ tcp: '127.0.0.1:0' }],
      servers: this.servers.map(({ id, address }) => ({ id, address })),
      timeouts: { probe: '300ms', hold: '5s', dial: '1s', fresh: '0ms', drain: '1s' },
      migration: {
        ledger,
        lease: LEASE,
        hold: { deadline: '8s' },
        retry: { attempts: 10, backOff: '300ms' },
        ...(this.#schedule.hook === 'command' && { hook: { command: [command], timeout: '20s' } }),
      },
    };
    writeFileSync(file, JSON.stringify(config));
    return {
      file,
      gate: null,
      listening: false,
      starting: null,
      away: [{ from: 0, until: Number.POSITIVE_INFINITY }],
    };
  }

  /** The gate whose log says that an upgrade started and not how it ended; nobody: nothing is done. */
  async #withHolder(act: (gate: number) => Promise<void>): Promise<void> {
    const holder = this.slots.findIndex(({ gate, listening }) => {
      const told = (listening && gate?.log.of('migration')) || [];
      return told.findLast(({ what }) => what === 'started' || ENDS.has(what))?.what === 'started';
    });
    if (holder >= 0) await act(holder);
  }

  async #end(at: number, signal: NodeJS.Signals): Promise<void> {
    const slot = this.slots[at] as Slot;
    const { gate } = slot;
    if (gate === null) return;
    slot.listening = false;
    this.#leave(slot);
    gate.program.signal('SIGCONT');
    gate.program.signal(signal);
    await gate.program.exited;
    if (slot.gate === gate) slot.gate = null;
  }

  async #freeze(at: number, ms: number): Promise<void> {
    const slot = this.slots[at] as Slot;
    const { gate } = slot;
    if (gate === null) return;
    this.#leave(slot);
    gate.pause();
    await passed(ms);
    gate.resume();
    if (slot.gate === gate) this.#back(slot);
  }

  #leave({ away }: Slot): void {
    away.push({ from: Date.now(), until: Number.POSITIVE_INFINITY });
  }

  #back({ away }: Slot): void {
    for (const time of away) if (time.until === Number.POSITIVE_INFINITY) time.until = Date.now();
  }

  #mount(): void {
    mkdirSync(this.#disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KB}k`, 'tmpfs', this.#disk]);
    onTestFinished(() => void execFileSync('umount', ['--lazy', this.#disk]));
  }

  async #fill(ms: number): Promise<void> {
    const filler = path.join(this.#disk, 'filler');
    const { bavail, bsize } = statfsSync(this.#disk);
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
    await passed(ms);
    rmSync(filler, { force: true });
  }
}

/** A schedule is made of times: this is not a wait for something to happen. */
export const passed = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
