/**
 * Every command that README.md and docs/ show prints what they say. The commands of one document run in order, in one
 * folder that holds the files it named before, beside a gate such as `npm start` runs where they need one.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, installed, run } from '../clients/support.ts';
import { runCli } from '../support/cli.ts';
import { ROOT } from '../support/documents.ts';
import { type Program, startCli } from '../support/program.ts';
import { missingParts, RUN_DOCUMENTS, type Shown, settled, shownIn, wordsOf } from '../support/snippets.ts';

/** Takes too long here: test/docs/explore.slow.test.ts has it. */
const SLOW = /npx skewgate explore .*--seed/;
const LIVE = /127\.0\.0\.1:870[01]|--cluster example/;
const REDIS = /^redis-cli -p (\d+) /;
const HERE = installed('redis-cli');

const documents = RUN_DOCUMENTS.map((file) => [file, shownIn(file)] as const).filter(
  ([, commands]) => commands.length > 0,
);

test('they show something, and nothing that is not run', () => {
  const commands = documents.flatMap(([, shown]) => shown.map(({ command }) => command));
  expect(commands.length).toBeGreaterThan(12);
  expect(commands.filter((command) => !/^(?:echo \w+ \| )?npx skewgate |^redis-cli /.test(command))).toEqual(
    [],
  );
});

describe.each(documents)('%s', (_file, commands) => {
  const running: Program[] = [];
  let folder: string;
  /** What stands in the document, and what is there in this run. */
  const ports = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-docs-'));
    symlinkSync(path.join(ROOT, 'examples'), path.join(folder, 'examples'));
    if (commands.some(({ command }) => LIVE.test(command))) await startExample();
    if (HERE && commands.some(({ command }) => REDIS.test(command))) await startAnyTcp(commands);
  }, 30_000);

  afterAll(async () => {
    await Promise.all(running.map((program) => program.stop()));
    rmSync(folder, { recursive: true });
  });

  async function startExample() {
    const example = startCli(['serve'], { keep: true, cwd: folder });
    running.push(example);
    const [, tcp, ws] = await example.waitFor(
      /skewgate:\/\/\S+:(\d+)\n\s+skewgate\+ws:\/\/\S+:(\d+)\n[\s\S]*Decisions:/,
    );
    ports.set('8700', tcp as string).set('8701', ws as string);
  }

  /** The gate that `gate.yaml` describes, with a server that answers like Redis. */
  async function startAnyTcp(shown: readonly Shown[]) {
    const server = createServer((socket) =>
      socket.on('data', () => socket.write('+PONG\r\n')).on('error', () => {}),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    ports.set('6379', String((server.address() as { port: number }).port));
    for (const { command } of shown) {
      const port = REDIS.exec(command)?.[1];
      if (port !== undefined && !ports.has(port)) ports.set(port, String(await freePort()));
    }
    const config = shown.find(({ command }) => REDIS.test(command))?.files.get('gate.yaml') ?? '';
    writeFileSync(path.join(folder, 'gate.yaml'), here(config));
    const gate = startCli(['serve', 'gate.yaml'], { keep: true, cwd: folder });
    running.push(gate);
    await gate.waitFor(/listening on/);
  }

  const here = (text: string) =>
    [...ports].reduce(
      (rest, [stated, port]) => rest.replaceAll(new RegExp(`\\b${stated}\\b`, 'g'), port),
      text,
    );

  async function printed({ command, files }: Shown): Promise<string> {
    for (const [name, text] of files) if (name !== 'gate.yaml') writeFileSync(path.join(folder, name), text);
    const redis = REDIS.exec(command);
    if (redis) {
      const outcome = await run('redis-cli', here(command).split(' ').slice(1)).catch((error) => error);
      return `${outcome.stdout}${outcome.stderr}`;
    }
    const input = /^echo (\w+) \|/.exec(command)?.[1];
    const { stdout, stderr } = await runCli(wordsOf(here(command)), {
      cwd: folder,
      input: input === undefined ? '' : `${input}\n`,
    });
    return stdout + stderr;
  }

  test.each(commands.filter(({ command }) => !SLOW.test(command)))('$command', async (shown) => {
    if (!HERE && commands.some(({ command }) => REDIS.test(command)) && /redis-cli|log /.test(shown.command))
      return;
    const text = await printed(shown);
    if (/ connect /.test(shown.command)) {
      // What it says and what the server echoes are two streams.
      const lines = (of: string) => settled(of).split('\n').sort();
      expect(lines(text)).toEqual(lines(shown.output));
    } else expect(missingParts(shown.output, text), text).toEqual([]);
  });
});
