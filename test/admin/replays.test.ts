/** Requests that come twice, and tokens that are guessed. */
import { expect, test } from 'vitest';
import { FailedAttempts } from '../../src/admin/failed-attempts.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { startWithAdmin, startWithRoles, TOKENS } from './support.ts';

const KEY = { 'idempotency-key': 'b0b6a2f4-0001' };

test('a request that was recorded and is sent again does nothing', async () => {
  await using gate = await startWithAdmin();
  const about = { reason: 'a test', by: 'alice' };
  expect((await gate.post('/v1/migration/approve', { ...about, dryRun: true }, KEY)).status).toBe(200);
  expect((await gate.post('/v1/migration/approve', about, KEY)).status).toBe(200);
  const again = await gate.post('/v1/migration/approve', about, KEY);
  expect([again.status, again.body.error]).toEqual([409, 'REPLAYED']);
  const other = await gate.post('/v1/migration/approve', { ...about, reason: 'another' }, KEY);
  expect([other.status, other.body.error]).toEqual([422, 'KEY_REUSED']);
  const history = (await gate.fleet.built.migration.ledger?.history()) ?? [];
  expect(history.filter(({ what }) => what === 'approved').length).toBe(1);
});

test('what was refused may be asked again, and one key of two tokens is two', async () => {
  await using gate = await startWithRoles();
  const kick = { session: 'none' };
  expect((await gate.post('/v1/kick', kick, KEY)).status).toBe(404);
  expect((await gate.post('/v1/kick', kick, KEY)).status).toBe(404);
  expect((await gate.post('/v1/pause', {}, KEY)).status).toBe(200);
  const other = { ...KEY, authorization: `Bearer ${TOKENS.operator}` };
  expect((await gate.post('/v1/pause', {}, other)).status).toBe(200);
  expect((await gate.post('/v1/pause', {}, { 'idempotency-key': 'short' })).status).toBe(400);
});

test('wrong tokens are slowed down and counted, and the right one waits for none of them', async () => {
  await using gate = await startWithRoles();
  const wrong = { authorization: `Bearer ${TOKENS.admin}x` };
  const before = performance.now();
  const answers = await Promise.all(Array.from({ length: 30 }, () => gate.post('/v1/pause', {}, wrong)));
  const right = await gate.post('/v1/resume');
  expect(right.status).toBe(200);
  expect([...new Set(answers.map(({ body }) => body.error))].sort()).toEqual([
    'TOO_MANY_FAILURES',
    'WRONG_TOKEN',
  ]);
  expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('2');
  expect(performance.now() - before).toBeGreaterThan(100);
  expect(gate.fleet.gate.orders.list()).toEqual([]);
  const text = await gate.metrics.text();
  const count = (error: string) =>
    Number(new RegExp(`skewgate_admin_refused_total\\{error="${error}"\\} (\\d+)`).exec(text)?.[1]);
  expect(count('WRONG_TOKEN') + count('TOO_MANY_FAILURES')).toBe(30);
});

/** Time that goes on when a test says so. */
class StillClock {
  at = 0;
  readonly due: { at: number; call: () => void }[] = [];
  now = () => this.at;
  monotonic = () => this.at;
  after(ms: number, call: () => void) {
    this.due.push({ at: this.at + ms, call });
    return { cancel() {} };
  }
  pass(ms: number): void {
    this.at += ms;
    for (const timer of this.due.splice(0))
      if (timer.at <= this.at) timer.call();
      else this.due.push(timer);
  }
}

test('each wrong token of a source takes twice as long, those of another none of it, and all is forgiven in time', async () => {
  const clock = new StillClock();
  const failures = new FailedAttempts(clock as unknown as Clock);
  const delays: number[] = [];
  for (let time = 0; time < 8; time++) {
    const told = failures.note('10.0.0.1');
    const waits = clock.due[0] === undefined ? 0 : clock.due[0].at - clock.at;
    delays.push(waits);
    clock.pass(waits);
    expect(await told).toBe(true);
  }
  expect(delays).toEqual([0, 0, 0, 100, 200, 400, 800, 1_600]);
  expect(await failures.note('10.0.0.2')).toBe(true);
  expect(clock.due).toEqual([]);
  clock.pass(300_000);
  expect(await failures.note('10.0.0.1')).toBe(true);
  expect(clock.due).toEqual([]);
});

test('a flood from many places costs a bounded number of sources and of held answers', async () => {
  const clock = new StillClock();
  const failures = new FailedAttempts(clock as unknown as Clock);
  for (let host = 0; host < 20_000; host++)
    await failures.note(`10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`);
  expect(failures.size).toBe(1_024);
  const outcomes: Promise<boolean>[] = [];
  // One network of IPv6 is one source, however many addresses it has.
  for (let host = 0; host < 100; host++) outcomes.push(failures.note(`2001:db8::${host.toString(16)}`));
  expect(failures.size).toBe(1_024);
  expect(clock.due.length).toBe(8);
  clock.pass(10_000);
  expect((await Promise.all(outcomes)).filter((isTold) => !isTold).length).toBe(100 - 3 - 8);
});
