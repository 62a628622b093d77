/** A real Prometheus (Debian's) on a free loopback port, with the config of docker/monitoring, scraping other targets. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort } from '../clients/support.ts';
import { tempFolder } from '../support/folder.ts';
import { ROOT, read } from './files.ts';

/** Why tests with Prometheus can't run here; null: they can. */
export const NO_PROMETHEUS: string | null =
  spawnSync('prometheus', ['--version']).status === 0 && spawnSync('promtool', ['--version']).status === 0
    ? null
    : 'there is no Prometheus (Debian: apt-get install prometheus)';
if (NO_PROMETHEUS !== null) console.log(`skipped: ${NO_PROMETHEUS}`);

const DEADLINE_MS = 20_000;

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(url: string, child: ChildProcess) {
    this.#url = url;
    this.#child = child;
    child.stderr?.on('data', (chunk) => {
      this.#said = `${this.#said}${chunk}`.slice(-10_000);
    });
  }

  /** @param targets `HOST:PORT` each, scraped twice a second */
  static async start(targets: readonly string[]): Promise<Prometheus> {
    const folder = tempFolder();
    cpSync(new URL('docker/monitoring/', ROOT), folder, { recursive: true });
    const config = parse(read('docker/monitoring/prometheus.yml'));
    config.global = { scrape_interval: '500ms', evaluation_interval: '500ms' };
    config.scrape_configs[0].static_configs = [{ targets }];
    writeFileSync(path.join(folder, 'prometheus.yml'), stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const prometheus = new Prometheus(`http://${address}`, child);
    await prometheus.eventually('it is ready', async () => {
      const answer = await fetch(`http://${address}/-/ready`).catch(() => null);
      return answer?.ok === true;
    });
    return prometheus;
  }

  async query(expression: string): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: { metric: Series['metric']; value: [number, string] }[] }>(
      `query?${new URLSearchParams({ query: expression })}`,
    );
    return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** Every rule with its health, and why it is not well. */
  async rules(): Promise<readonly { name: string; health: string; lastError?: string }[]> {
    const { groups } = await this.#ask<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async eventually(what: string, look: () => Promise<boolean>): Promise<void> {
    for (const limit = AbortSignal.timeout(DEADLINE_MS); !(await look()); await sleep(100))
      if (limit.aborted || this.#child.exitCode !== null)
        throw new Error(`not within ${DEADLINE_MS / 1_000} s: ${what}\n${this.#said}`);
  }

  async #ask<Data>(what: string): Promise<Data> {
    const answer = await (await fetch(`${this.#url}/api/v1/${what}`)).json();
    const { status, error, data } = answer as { status: string; error?: string; data: Data };
    if (status !== 'success') throw new Error(`${what}: ${error}`);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const over = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await over;
  }
}
