/** Random sequences of everything that gates and operators do, on the ledger over memory: nothing breaks its promises. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClaimLost, HeldClaim } from '../../../src/migration/ledger/held-claim.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { activeBlock, type LedgerRecord, readRecord } from '../../../src/migration/ledger/record.ts';
import type { Store } from '../../../src/migration/ledger/store.ts';
import { planUpgrade } from '../../../src/policy/plan.ts';
import { PHOENIX_CATALOGUE } from '../../../src/version/phoenix.ts';
import { parseVersion } from '../../../src/version/version.ts';
import { checkHistory, faultsOf } from '../../support/check-history.ts';
import { OPERATOR } from '../../support/ledger.ts';

const LEASE = 1_000;
const TARGETS = ['4.1.0', '4.2.0', '4.2.1', '4.9.0', '4.14.0'];
const LEVELS = [0, 3, 4, 20, 28];

class TestEnvironment {
  now = Date.UTC(2026, 0, 1);
  readonly store: Store = new MemoryStore({ now: () => this.now, monotonic: () => this.now });
  readonly ledger = new Ledger(this.store, 'main', {
    now: () => this.now,
    monotonic: () => this.now,
    after: () => ({ cancel() {} }),
  });
  /** Everybody who ever held the claim; most have lost it. */
  readonly holders: HeldClaim[] = [];

  async record(): Promise<LedgerRecord> {
    return readRecord((await this.store.read('main')).text, 'main');
  }

  /** Who may write, if anybody. */
  async inForce(): Promise<number | null> {
    const { record, leaseAlive } = await this.ledger.read();
    return leaseAlive ? (record.claim?.token ?? null) : null;
  }
}

type Act = (world: TestEnvironment) => Promise<void>;

/** A write by some holder: it succeeds if, and only if, that holder's claim is in force. */
const held =
  (
    at: number,
    write: (held: HeldClaim, record: LedgerRecord) => Promise<unknown>,
    /** What a holder in force would not do. */
    senseless: (record: LedgerRecord) => boolean = () => false,
  ): Act =>
  async (world) => {
    const holder = world.holders[world.holders.length - 1 - at];
    if (holder === undefined) return;
    const may = (await world.inForce()) === holder.token;
    if (may && senseless(await world.record())) return;
    const before = await world.store.read('main');
    const outcome = await write(holder, await world.record()).then(
      () => null,
      (error: unknown) => error,
    );
    if (may) {
      expect(outcome).toBeNull();
      return;
    }
    expect(outcome).toBeInstanceOf(ClaimLost);
    expect(await world.store.read('main')).toEqual(before);
  };

const isWhole = ({ claim }: LedgerRecord) => claim?.runsDone === claim?.plan.runs.length;
const isHalf = (record: LedgerRecord) => !isWhole(record);
const someone = fc.integer({ min: 0, max: 2 });

const act: fc.Arbitrary<[string, Act]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(...TARGETS)).map(claimBy),
  },
  { weight: 6, arbitrary: someone.map((at) => writing('step', at, step, isWhole)) },
  {
    weight: 2,
    arbitrary: someone.map((at) => writing('start', at, (holder) => holder.runStarted('key'), isWhole)),
  },
  {
    weight: 2,
    arbitrary: someone.map((at) => writing('complete', at, (holder) => holder.complete(), isHalf)),
  },
  { weight: 1, arbitrary: fc.tuple(someone, fc.constantFrom(null, 0, 3_000)).map(failBy) },
  { weight: 1, arbitrary: someone.map((at) => writing('release', at, (holder) => holder.release('why'))) },
  { weight: 2, arbitrary: fc.constantFrom(10, LEASE - 1, LEASE, 5 * LEASE).map(pass) },
  { weight: 1, arbitrary: someone.map(renew) },
  { weight: 1, arbitrary: fc.constantFrom(null, 2_000).map(block) },
  { weight: 2, arbitrary: fc.constantFrom('unblock', 'approve', 'retry', 'abort').map(operate) },
  { weight: 1, arbitrary: fc.constantFrom(...LEVELS).map(observe) },
);

type Writing = Parameters<typeof held> extends [unknown, ...infer Rest] ? Rest : never;

function writing(name: string, at: number, ...[write, senseless]: Writing): [string, Act] {
  return [`${name} by ${at}`, held(at, write, senseless)];
}

function claimBy([owner, to]: [number, string]): [string, Act] {
  return [
    `gate-${owner} claims ${to}`,
    async (world) => {
      const before = await world.record();
      const inForce = await world.inForce();
      const from = {
        level: before.level ?? 0,
        release: before.release ? parseVersion(before.release) : null,
      };
      const plan = planUpgrade({ catalogue: PHOENIX_CATALOGUE, from, to: parseVersion(to) });
      const trigger = { gate: `gate-${owner}`, connection: 'c', client: to, driver: 'd' };
      const checksum = JSON.stringify(plan.steps);
      const attempts = Number.POSITIVE_INFINITY;
      const request = { owner: `gate-${owner}`, plan, checksum, trigger, above: 0, attempts };
      const outcome = await world.ledger.claim(request, LEASE);
      const record = await world.record();
      if (outcome instanceof HeldClaim) {
        expect(inForce).toBeNull();
        expect(activeBlock(before, world.now)).toBeNull();
        expect(before.failure?.retryAt).not.toBe(null);
        expect(outcome.token).toBeGreaterThan(before.token);
        world.holders.push(outcome);
      } else expect(record).toEqual(before);
    },
  ];
}

async function step(holder: HeldClaim, record: LedgerRecord): Promise<void> {
  await holder.runStarted('key');
  const index = record.claim?.runsDone ?? 0;
  await holder.runDone(index, 'key', true);
  await holder.runDone(index, 'key', true);
}

function failBy([at, wait]: [number, number | null]): [string, Act] {
  return [
    `fail by ${at}, retry ${wait}`,
    (world) => held(at, (holder) => holder.fail('no disk', wait === null ? null : world.now + wait))(world),
  ];
}

function pass(ms: number): [string, Act] {
  return [
    `${ms} ms pass`,
    async (world) => {
      world.now += ms;
    },
  ];
}

function renew(at: number): [string, Act] {
  return [
    `renew by ${at}`,
    async (world) => {
      const holder = world.holders[world.holders.length - 1 - at];
      if (holder) expect(await holder.renew()).toBe((await world.inForce()) === holder.token);
    },
  ];
}

function block(ms: number | null): [string, Act] {
  return [
    `block for ${ms}`,
    async (world) => {
      const until = ms === null ? null : world.now + ms;
      await world.ledger.block(OPERATOR, until);
      expect((await world.record()).block).toEqual({ ...OPERATOR, at: world.now, until });
    },
  ];
}

function operate(verb: 'unblock' | 'approve' | 'retry' | 'abort'): [string, Act] {
  return [
    verb,
    async (world) => {
      const inForce = await world.inForce();
      await world.ledger[verb](OPERATOR);
      const { claim, block: blocked, failure, approval } = await world.record();
      if (verb === 'unblock') expect(blocked).toBeNull();
      if (verb === 'retry') expect(failure).toBeNull();
      if (verb === 'approve') expect(approval).toMatchObject(OPERATOR);
      if (verb === 'abort') expect(claim?.abort ?? null).toEqual(inForce === null ? null : OPERATOR);
    },
  ];
}

function observe(level: number): [string, Act] {
  return [
    `servers report ${level}`,
    async (world) => {
      const before = await world.record();
      const inForce = await world.inForce();
      await world.ledger.observe(level, null, 'gate-0');
      const after = await world.record();
      if (inForce !== null) {
        expect(after).toEqual(before);
        return;
      }
      expect(after.level).toBe(level);
      const back = before.level !== null && level < before.level;
      expect(after.epoch).toBe(before.epoch + (back ? 1 : 0));
    },
  ];
}

/** What no act may break. */
async function holds(world: TestEnvironment, before: LedgerRecord): Promise<void> {
  const after = await world.record();
  expect(after.token).toBeGreaterThanOrEqual(before.token);
  expect(after.epoch).toBeGreaterThanOrEqual(before.epoch);
  expect(after.claim?.token ?? after.token).toBe(after.token);
  if (after.claim) expect(after.claim.runsDone).toBeLessThanOrEqual(after.claim.plan.runs.length);
}

const show = (steps: readonly [string, Act][]) => steps.map(([name]) => name).join('\n');

describe('any sequence of acts', () => {
  test('one holder at a time, growing tokens, each step once per level and epoch, nothing under a lost claim', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(act, { minLength: 1, maxLength: 60 })
          .map((steps) => ({ steps, toString: () => show(steps) })),
        async ({ steps }) => {
          const world = new TestEnvironment();
          for (const [, perform] of steps) {
            const before = await world.record();
            await perform(world);
            await holds(world, before);
          }
          checkHistory(await world.ledger.history());
        },
      ),
      { numRuns: 600 },
    );
  });
});

describe('the checker notices', () => {
  const about = { owner: 'a', attempt: 1, steps: 2, stepsDone: 0, checksum: 'x', at: 1 };
  const planned = { ...about, what: 'planned', token: 1, fromLevel: 0 } as const;
  const running = { ...about, what: 'running', token: 1, step: 1, fromLevel: 0, toLevel: 3 } as const;
  const stepDone = {
    ...about,
    what: 'step-done',
    token: 1,
    step: 1,
    fromLevel: 0,
    toLevel: 3,
    ran: true,
  } as const;
  const second = { ...stepDone, step: 2, fromLevel: 3, toLevel: 4, ran: false };
  const done = { ...about, what: 'done', token: 1 } as const;
  const failed = { ...about, what: 'failed', token: 1 } as const;

  test.each([
    ['a good history', [planned, running, stepDone, second, done], null],
    ['two claims at once', [planned, { ...planned, token: 2, owner: 'b' }], /given while token 1 was held/],
    ['a token that does not grow', [planned, failed, planned], /token 1 is not higher than 1/],
    ['a step done twice', [planned, running, stepDone, { ...stepDone, step: 2 }], /completed twice/],
    ['a completion too soon', [planned, running, stepDone, done], /done after 1 of 2 steps/],
    ['steps out of order', [planned, second], /step 2 completed after 0/],
    ['a step that was never started', [planned, stepDone], /without having been started/],
    ['writing after the end', [planned, failed, running], /running under token 1, while none/],
    ['a write by another owner', [planned, { ...running, owner: 'b' }], /running by b under token 1 of a/],
    ['a start while blocked', [{ what: 'blocked', at: 1, until: null }, planned], /given while blocked/],
    ['a takeover from nobody', [{ ...planned, what: 'taken-over' }, planned], /took over from nobody/],
    [
      'a takeover that skips a step',
      [planned, { ...planned, what: 'taken-over', token: 2 }, { ...planned, token: 2, stepsDone: 1 }],
      /continues after 1 steps, of which 0/,
    ],
  ] as const)('%s', (_name, history, fault) => {
    const faults = faultsOf(history);
    if (fault === null) expect(faults).toEqual([]);
    else expect(faults.join('\n')).toMatch(fault);
  });
});
