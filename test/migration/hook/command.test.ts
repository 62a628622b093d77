/** A program as a hook: real ones, in sh. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCommandHook } from '../../../src/migration/hook/command.ts';
import {
  describeProcess,
  killProcess,
  lookForProcess,
  waitForProcess,
} from '../../../src/process/find-process.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { tempFolder } from '../../support/folder.ts';
import {
  type Behaviour,
  COMPLAINT,
  FACTS,
  failureOf,
  type HookBench,
  hookContract,
  Told,
} from '../hook-contract.ts';

function scriptIn(folder: string, body: string): string {
  const file = path.join(folder, 'upgrade.sh');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return './upgrade.sh';
}

const BODIES: Readonly<Record<Behaviour['does'], string>> = {
  works: 'echo 50% half; echo 100% all',
  fails: `echo '${COMPLAINT}' >&2; exit 3`,
  hangs: 'echo 40%; sleep 600',
};

hookContract('a command', async ({ does }): Promise<HookBench> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'skewgate-hook-'));
  const begun = path.join(folder, 'begun');
  const command = [scriptIn(folder, `echo "$SKEWGATE_TOKEN $SKEWGATE_KEY" >> begun\n${BODIES[does]}`)];
  return {
    hook: createCommandHook({ command, folder }),
    begun() {
      const lines = existsSync(begun) ? readFileSync(begun, 'utf8').trim().split('\n') : [];
      return lines.map((line) => {
        const [token, key] = line.split(' ') as [string, string];
        return { token: Number(token), key };
      });
    },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
    },
  };
});

describe('a command', () => {
  const hookOf = (body: string, ...args: string[]) => {
    const folder = tempFolder();
    return { folder, hook: createCommandHook({ command: [scriptIn(folder, body), ...args], folder }) };
  };

  test('gets the facts as environment variables, as JSON on standard input, its arguments and its folder', async () => {
    const { folder, hook } = hookOf(
      'env > env.txt; cat > input.json; pwd > pwd.txt; echo "$@" > args.txt',
      'a b',
      '$HOME',
    );
    await hook.run(FACTS, new Told());
    const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
    const variables = read('env.txt')
      .split('\n')
      .filter((line) => line.startsWith('SKEWGATE_'));
    expect(variables.toSorted()).toEqual([
      'SKEWGATE_ATTEMPT=2',
      'SKEWGATE_CLIENT=4.14.1',
      'SKEWGATE_CLUSTER=main',
      'SKEWGATE_FROM=4.13.0',
      'SKEWGATE_FROM_LEVEL=27',
      'SKEWGATE_KEY=main/1/27-28/4.14.0',
      'SKEWGATE_LEDGER=ledger-a',
      'SKEWGATE_STEP=1',
      'SKEWGATE_TO=4.14.0',
      'SKEWGATE_TOKEN=7',
      'SKEWGATE_TO_LEVEL=28',
    ]);
    expect(JSON.parse(read('input.json'))).toEqual(FACTS);
    expect(read('pwd.txt').trim()).toBe(folder);
    expect(read('args.txt').trim()).toBe('a b $HOME');
  });

  test('where no release is known for the start, SKEWGATE_FROM is empty', async () => {
    const { folder, hook } = hookOf('echo "[$SKEWGATE_FROM]" > from.txt');
    await hook.run({ ...FACTS, from: null }, new Told());
    expect(readFileSync(path.join(folder, 'from.txt'), 'utf8')).toBe('[]\n');
  });

  test('its lines are progress: percent, parts, or any sentence', async () => {
    const { hook } = hookOf(
      "printf '40%%\\n62.5 %% indexes\\n3/8 rewriting\\nalmost there\\n150%%\\nno newline at the end'",
    );
    const told = new Told();
    await hook.run(FACTS, told);
    expect(told.heard).toEqual([
      { done: 0.4, text: '40%' },
      { done: 0.625, text: 'indexes' },
      { done: 0.375, text: 'rewriting' },
      { done: null, text: 'almost there' },
      { done: 1, text: '150%' },
      { done: null, text: 'no newline at the end' },
    ]);
  });

  test('a flood of short lines is read at its newest, not line by line: whoever waits is not held up', async () => {
    const { hook } = hookOf("yes '7%' | head -c 4000002; echo '100% done'");
    const told = new Told();
    await hook.run(FACTS, told);
    expect(told.heard.at(-1)).toEqual({ done: 1, text: 'done' });
    // Of more than a million lines.
    expect(told.heard.length).toBeLessThan(50_000);
  });

  test('it does not run before it is on record', async () => {
    const { folder, hook } = hookOf('echo ran > ran.txt');
    const told = new Told();
    const recorded = Promise.withResolvers<void>();
    const noted = Promise.withResolvers<void>();
    told.onStarted = () => {
      noted.resolve();
      return recorded.promise;
    };
    const run = hook.run(FACTS, told);
    await noted.promise;
    const [info] = told.processes;
    expect(info && lookForProcess(info)).toBe('running');
    expect(existsSync(path.join(folder, 'ran.txt'))).toBe(false);
    recorded.resolve();
    await run;
    expect(existsSync(path.join(folder, 'ran.txt'))).toBe(true);
    expect(info && lookForProcess(info)).toBe('gone');
  });

  test('what can not be put on record does not run', async () => {
    const { folder, hook } = hookOf('echo ran > ran.txt');
    const told = new Told();
    told.onStarted = () => Promise.reject(new Error('the claim is lost'));
    const { message } = await failureOf(hook.run(FACTS, told));
    expect(message).toContain('could not be put on record, so it was not run: the claim is lost');
    expect(existsSync(path.join(folder, 'ran.txt'))).toBe(false);
    expect(told.processes.map(lookForProcess)).toEqual(['gone']);
  });

  test('a status other than 0 fails it, with what it wrote to standard error', async () => {
    const { hook } = hookOf('echo progress; echo "table SYSTEM.CATALOG is gone" >&2; exit 4');
    const { message } = await failureOf(hook.run(FACTS, new Told()));
    expect(message).toBe('./upgrade.sh ended with status 4: table SYSTEM.CATALOG is gone');
  });

  test('a long complaint is cut at its beginning: the end says what went wrong', async () => {
    const { hook } = hookOf('yes noise | head -c 100000 >&2; echo "the reason" >&2; exit 1');
    const { message } = await failureOf(hook.run(FACTS, new Told()));
    expect(message.length).toBeLessThan(2_200);
    expect(message).toMatch(/the reason$/);
  });

  test('one that is killed by a signal fails', async () => {
    const { hook } = hookOf('kill -9 $$');
    expect((await failureOf(hook.run(FACTS, new Told()))).message).toContain('was killed by SIGKILL');
  });

  test('a program that is not there fails and says so', async () => {
    const hook = createCommandHook({ command: ['./nowhere.sh'], folder: tempFolder() });
    const { message } = await failureOf(hook.run(FACTS, new Told()));
    expect(message).toMatch(/nowhere\.sh ended with status 127: .*not found/);
  });

  test('at the deadline it is killed with its children and theirs', async () => {
    const { folder, hook } = hookOf(
      'sh -c "sleep 600 & echo \\$! > grandchild; wait" & sleep 600 & echo $! > child; echo 10%; wait',
    );
    const told = new Told();
    const run = failureOf(hook.run(FACTS, told));
    await told.until(() => told.heard.length > 0, 'progress');
    const child = await pidIn(folder, 'child');
    const grandchild = await pidIn(folder, 'grandchild');
    expect([isThere(child), isThere(grandchild)]).toEqual([true, true]);
    told.stopping.abort(new Error('deadline of 600 s'));
    expect((await run).message).toBe('./upgrade.sh was stopped (deadline of 600 s)');
    await gone(child);
    await gone(grandchild);
  });

  test('it leaves no process behind: what it left in the background ends with it', async () => {
    const { folder, hook } = hookOf('sleep 600 & echo $! > child; echo done');
    await hook.run(FACTS, new Told());
    await gone(await pidIn(folder, 'child'));
  });

  test.each([
    ['status 0 is done', 'exit 0', null],
    ['another status is a failure', 'echo sour >&2; exit 3', /ended with status 3: sour/],
  ])('one that leaves a daemon on its output is not waited for without end: %s', async (_what, end, why) => {
    const { folder, hook } = hookOf(
      `setsid sh -c 'echo $$ > child; exec sleep 600' &
       while [ ! -s child ]; do sleep 0.02; done; ${end}`,
    );
    const outcome = await hook.run(FACTS, new Told()).catch((error: Error) => error.message);
    expect(outcome).toEqual(why === null ? { level: null } : expect.stringMatching(why));
    process.kill(await pidIn(folder, 'child'), 'SIGKILL');
  });

  test('one that reads none of its input, and one that closes its output, are no trouble', async () => {
    await hookOf('exec <&-; exit 0').hook.run(FACTS, new Told());
    await hookOf('exec >&- 2>&-; exit 0').hook.run(FACTS, new Told());
  });

  test('a line of megabytes is passed over, and what follows is heard', async () => {
    const { hook } = hookOf('head -c 3000000 /dev/zero | tr "\\0" x; echo; echo 90% after it');
    const told = new Told();
    await hook.run(FACTS, told);
    expect(told.heard).toEqual([{ done: 0.9, text: 'after it' }]);
  });
});

describe('a process found again', () => {
  test('is running, gone, or somewhere else; its id alone does not make it the same one', async () => {
    const folder = tempFolder();
    const hook = createCommandHook({ command: [scriptIn(folder, 'echo 1%; sleep 600')], folder });
    const told = new Told();
    const run = failureOf(hook.run(FACTS, told));
    await told.until(() => told.heard.length > 0, 'progress');
    const info = told.processes[0] as (typeof told.processes)[number];
    expect(lookForProcess(info)).toBe('running');
    expect(lookForProcess({ ...info, started: 'another boot:1' })).toBe('gone');
    expect(lookForProcess({ ...info, host: 'another-host' })).toBe('elsewhere');
    const early = new AbortController();
    const waiting = waitForProcess(info, realClock, early.signal);
    early.abort();
    expect(await waiting).toBe(false);
    told.stopping.abort();
    await run;
    expect(await waitForProcess(info, realClock, AbortSignal.timeout(5_000))).toBe(true);
  });
});

describe('a process whose leader is gone', () => {
  test('runs for as long as anything of its group does, and is ended with it', async () => {
    const folder = tempFolder();
    const script = scriptIn(folder, 'sleep 600 & echo $! > child; echo 1%; wait');
    // As after the death of a gate: nobody hears of the leader's end, and nobody ends the others then.
    const leader = spawn(script, { cwd: folder, detached: true, stdio: 'ignore' });
    const info = describeProcess(leader.pid as number);
    const child = await pidIn(folder, 'child');
    process.kill(leader.pid as number, 'SIGKILL');
    await gone(leader.pid as number);
    expect(isThere(child)).toBe(true);
    expect(lookForProcess(info)).toBe('running');
    expect(lookForProcess({ ...info, started: `another${info.started}` })).toBe('gone');
    killProcess(info);
    expect(await waitForProcess(info, realClock, AbortSignal.timeout(5_000))).toBe(true);
    await gone(child);
  });
});

async function pidIn(folder: string, name: string): Promise<number> {
  const file = path.join(folder, name);
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')).toBe(true);
  return Number(readFileSync(file, 'utf8'));
}

function isThere(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

const gone = (pid: number) => expect.poll(() => isThere(pid), { timeout: 5_000 }).toBe(false);
