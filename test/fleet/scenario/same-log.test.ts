/** Same scenario, same seed: the same decision log, byte for byte, however and wherever it is run. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../../support/folder.ts';
import { playScenario, readScenario, SCENARIOS, scenarioFiles } from '../../support/scenarios.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
/** Crashes, a take-over, loss, arrivals at random: much that could go otherwise. */
const STORM = path.join(SCENARIOS, 'restart-storm.yaml');
const KILLED = path.join(SCENARIOS, 'gate-killed.yaml');

const logOf = async (file: string, seed: number) => {
  const scenario = { ...readScenario(file), seed, network: { latency: 3, loss: 0.05 } };
  return (await playScenario(scenario)).log().join('');
};

test('twice in one process', async () => {
  const [one, other] = [await logOf(KILLED, 7), await logOf(KILLED, 7)];
  expect(one.length).toBeGreaterThan(1_000);
  expect(other).toBe(one);
});

test('two at once in one process do not disturb each other', async () => {
  const alone = await logOf(KILLED, 3);
  const [together] = await Promise.all([logOf(KILLED, 3), logOf(KILLED, 4)]);
  expect(together).toBe(alone);
});

test('another seed, another log', async () => {
  expect(await logOf(KILLED, 8)).not.toBe(await logOf(KILLED, 7));
});

test('in several processes, with another number of threads, and on one core', async () => {
  const folder = tempFolder();
  const logIn = async (name: string, prefix: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const log = path.join(folder, name);
    const command = [...prefix, process.execPath, MAIN, 'test', STORM, KILLED, '--seed', '7', '--log', log];
    await run(command[0] as string, command.slice(1), { env: { ...process.env, ...env }, timeout: 20_000 });
    return readFileSync(log, 'utf8');
  };
  const [plain, threads, core] = await Promise.all([
    logIn('plain.ndjson', []),
    logIn('threads.ndjson', [], { UV_THREADPOOL_SIZE: '1', TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' }),
    logIn('core.ndjson', ['taskset', '-c', '0']),
  ]);
  expect(plain.split('\n').length).toBeGreaterThan(200);
  expect(threads).toBe(plain);
  expect(core).toBe(plain);
  const here = await Promise.all(
    [STORM, KILLED].map((file) => playScenario({ ...readScenario(file), seed: 7 })),
  );
  expect(here.flatMap(({ log }) => log()).join('')).toBe(plain);
});

test('the seed of the file is the default', async () => {
  const [file] = scenarioFiles as [string];
  const scenario = readScenario(file);
  expect(scenario.seed).toBe(1);
  expect((await playScenario(scenario)).seed).toBe(1);
});
