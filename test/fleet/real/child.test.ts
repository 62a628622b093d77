/** Processes of a fleet: each is ended, whatever it does. */
import { expect, onTestFinished, test } from 'vitest';
import { Child } from '../../../src/fleet/real/child.ts';

const node = (script: string) => [process.execPath, '-e', script] as const;
const STAYS = 'setInterval(() => {}, 1e6);';

async function start(script: string): Promise<Child> {
  const child = await Child.start({ command: node(script), ready: /ready (\d+)/ });
  onTestFinished(async () => {
    child.signal('SIGKILL');
    await child.exited;
  });
  return child;
}

const READY = "console.log('ready ' + process.pid);";

function alive(child: Child): boolean {
  try {
    return process.kill(Number(child.match[1]), 0);
  } catch {
    return false;
  }
}

test('is there once it says so', async () => {
  const child = await start(`setTimeout(() => {${READY}}, 20); ${STAYS}`);
  expect(child.running).toBe(true);
  expect(alive(child)).toBe(true);
});

test('one that ends before it is ready is a failure that shows what it said', async () => {
  await expect(start("console.error('no disk'); process.exitCode = 3;")).rejects.toThrow(
    /ended with status 3:\nno disk/,
  );
});

test('a program that is not there is a failure', async () => {
  const started = Child.start({ command: ['/nowhere/program'], ready: /x/ });
  await expect(started).rejects.toThrow('ENOENT');
});

test('one that is not wanted any more before it is ready is ended', async () => {
  const over = new AbortController();
  const started = Child.start({ command: node(STAYS), ready: /x/, signal: over.signal });
  over.abort();
  await expect(started).rejects.toThrow('is not wanted any more');
  await expect(Child.start({ command: node(STAYS), ready: /x/, signal: over.signal })).rejects.toThrow(
    'not wanted',
  );
});

test('ends in order when asked', async () => {
  const child = await start(`process.on('SIGTERM', () => process.exit(0)); ${READY} ${STAYS}`);
  await child.end(10_000);
  expect([child.running, child.asked, alive(child)]).toEqual([false, true, false]);
});

test('is asked again after its grace', async () => {
  const twice = "let asked = 0; process.on('SIGTERM', () => ++asked === 2 && process.exit(0));";
  const child = await start(`${twice} ${READY} ${STAYS}`);
  await child.end(20);
  expect(child.status).toBe(0);
  expect(alive(child)).toBe(false);
});

test('one that stands still can be killed', async () => {
  const child = await start(READY + STAYS);
  child.signal('SIGSTOP');
  child.signal('SIGKILL');
  await child.exited;
  expect(alive(child)).toBe(false);
});
