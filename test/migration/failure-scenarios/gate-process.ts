/** `skewgate serve` as a process of its own, which can be killed and stopped in its tracks; its log is read. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type ConnectOptions, connectTo } from '../../../src/client/connect.ts';
import type { Session } from '../../../src/client/session.ts';
import { parseUrl } from '../../../src/client/url.ts';
import { realRuntime } from '../../../src/runtime/real.ts';
import { CollectedLog } from '../../support/log.ts';
import { type Program, startCli } from '../../support/program.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/compiled/', import.meta.url));

export class GateProcess {
  readonly program: Program;
  readonly log = new CollectedLog();
  #address = '';

  private constructor(program: Program) {
    this.program = program;
    const lines = createInterface({ input: program.child.stdout as Readable });
    lines.on('line', (line) => this.log.stream.write(line));
  }

  /** Resolves once it listens. */
  static async start(file: string): Promise<GateProcess> {
    const gate = GateProcess.launch(file);
    await gate.listening();
    return gate;
  }

  static launch(file: string): GateProcess {
    return new GateProcess(startCli(['serve', file], { env: { NODE_COMPILE_CACHE: CACHE } }));
  }

  async listening(): Promise<void> {
    const [, address] = await this.program.waitFor(/listening on (\S+?),?\s/, 'stderr');
    this.#address = address as string;
  }

  connect(version: string, options: ConnectOptions & { readonly query?: string } = {}): Promise<Session> {
    const { query = '', ...more } = options;
    const url = `${this.#address.replace('tcp://', 'skewgate://')}/?version=${version}${query && `&${query}`}`;
    return connectTo(parseUrl(url), realRuntime, more);
  }

  /** SIGKILL: it releases nothing. */
  async kill(): Promise<void> {
    this.program.signal('SIGKILL');
    await this.program.exited;
  }

  pause(): void {
    this.program.signal('SIGSTOP');
  }

  resume(): void {
    this.program.signal('SIGCONT');
  }
}
