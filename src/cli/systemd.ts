/**
 * What a service manager such as systemd gives a process, and is told by it: sockets that it listens on already
 * (`LISTEN_FDS`), and how the process stands (`NOTIFY_SOCKET`). Node.js has no Unix datagram sockets, so systemd's own
 * program carries the word.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const PROGRAM = 'systemd-notify';
/** ms that the program may take. */
const NOTIFY_MS = 5_000;
/** The first socket that is handed over, as sd_listen_fds(3) has it. */
const FIRST_SOCKET = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** What systemd gave this process. */
export interface Given {
  /** Descriptors of sockets, in the order of the socket unit. */
  readonly sockets: readonly number[];
  /** Where it wants to be told how the process stands; null: nowhere. */
  readonly notifySocket: string | null;
  /** ms within which it wants to hear from the process, again and again; null: it does not. */
  readonly watchdogMs: number | null;
}

/**
 * What the environment of the process says, as far as it means this process.
 * @param pid of this process
 */
export function givenBySystemd(env: Environment, pid: number): Given {
  const count = env.LISTEN_PID === String(pid) ? Number(env.LISTEN_FDS ?? 0) : 0;
  const forUs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  const watchdog = Number(env.WATCHDOG_USEC ?? 0) / 1_000;
  return {
    sockets: Array.from({ length: count }, (_, at) => FIRST_SOCKET + at),
    notifySocket: env.NOTIFY_SOCKET ?? null,
    watchdogMs: forUs && watchdog > 0 ? watchdog : null,
  };
}

/** Takes it out of the environment: programs that the gate runs are not meant. */
export function forgetSystemd(env: Record<string, string | undefined>): void {
  for (const name of [
    'LISTEN_PID',
    'LISTEN_FDS',
    'LISTEN_FDNAMES',
    'NOTIFY_SOCKET',
    'WATCHDOG_PID',
    'WATCHDOG_USEC',
  ])
    delete env[name];
}

/** Tells systemd how this process stands; where it does not want to know, does nothing. */
export class Notifier {
  readonly #given: Given;
  readonly #say: (line: string) => void;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(given: Given, say: (line: string) => void) {
    this.#given = given;
    this.#say = say;
  }

  /** The gate listens: from now on it also says, in time, that it is alive. @param status for people */
  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`);
    this.#watch();
  }

  /** The config is being read again, until the promise settles. */
  async reloading(work: Promise<unknown>): Promise<void> {
    this.#tell('RELOADING=1');
    await work;
    this.#tell('READY=1');
  }

  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=draining');
  }

  /** A timer that does not come in time means that nothing else of the gate does either. */
  #watch(): void {
    const { watchdogMs, notifySocket } = this.#given;
    if (watchdogMs === null || notifySocket === null) return;
    // It keeps no process alive that has nothing else to do.
    setInterval(() => this.#tell('WATCHDOG=1'), watchdogMs / 3).unref();
  }

  /** One after the other. */
  #tell(...words: string[]): void {
    const { notifySocket } = this.#given;
    if (notifySocket === null) return;
    const env = { ...process.env, NOTIFY_SOCKET: notifySocket };
    this.#last = this.#last.then(async () => {
      try {
        await promisify(execFile)(PROGRAM, [`--pid=${process.pid}`, ...words], { env, timeout: NOTIFY_MS });
      } catch (error) {
        if (!this.#hasFailed)
          this.#say(`systemd can't be told how the gate stands: ${(error as Error).message}`);
        this.#hasFailed = true;
      }
    });
  }
}
