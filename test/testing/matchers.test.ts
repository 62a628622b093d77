/** `expect(decision).toBeRefused(…)` and its like: what they accept, and what they say when they fail. */
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import {
  assertAdmitted,
  assertMove,
  assertRefused,
  type Decision,
  matchers,
  startFleet,
} from '../../src/testing/index.ts';
import type {} from '../../src/testing/vitest.ts';
import { parseVersion } from '../../src/version/version.ts';

expect.extend(matchers);

/** At one server on 4.14.2. */
function judged(client: string): Decision {
  return decide(
    { version: parseVersion(client), upgrade: 'may' },
    {
      servers: [{ id: 'rs1', version: parseVersion('4.14.2'), state: 'up' }],
      level: null,
      upgrade: { state: 'idle' },
    },
    PRESETS.phoenix,
  );
}

const admitted = judged('4.13.0');
const refused = judged('4.15.0');

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it did not fail');
};

test('what holds passes, and its opposite too', () => {
  expect(admitted).toBeAdmitted();
  expect(admitted).not.toBeRefused();
  expect(refused).toBeRefused();
  expect(refused).toBeRefused('SERVER_OUTDATED');
  expect(refused).not.toBeRefused('CLIENT_OUTDATED');
  expect(refused).not.toBeAdmitted();
  expect(refused).toMove({ side: 'server', to: '4.15' });
  expect(refused).toMove({ who: ['rs1'] });
  expect(refused).not.toMove({ side: 'client' });
  expect(admitted).not.toMove({});
});

test('sessions, refusals and log records count as the decision that they carry', async () => {
  await using fleet = await startFleet({ servers: ['4.14.2'] });
  expect(await fleet.connect('4.13.0')).toBeAdmitted();
  expect(await fleet.connect('4.15.0').catch((error) => error)).toBeRefused('SERVER_OUTDATED');
  await expect(fleet.attempt('4.15.0')).resolves.toBeRefused('SERVER_OUTDATED');
  expect(fleet.decisions[0]).toBeAdmitted();
  expect(fleet.decisions[1]).toMove({ side: 'server', to: '4.15', who: ['rs1'] });
});

describe('a failure says what was decided, and why', () => {
  test.each([
    [
      'refused, and should not be',
      () => expect(refused).toBeAdmitted(),
      'expected the client to be admitted\n',
    ],
    [
      'refused with another code',
      () => expect(refused).toBeRefused('CLIENT_OUTDATED'),
      'expected the client to be refused with CLIENT_OUTDATED\n',
    ],
    [
      'another move',
      () => expect(refused).toMove({ side: 'client', to: '4.14' }),
      'expected somebody to have to move: side "client", to "4.14"\n',
    ],
    [
      'refused, and should be otherwise',
      () => expect(refused).not.toBeRefused('SERVER_OUTDATED'),
      'expected the client to be refused with SERVER_OUTDATED, which is not what was wanted\n',
    ],
  ])('%s', (_, act, head) => {
    const message = messageOf(act);
    expect(message).toContain(head);
    expect(message).toContain(
      '4.15.0: refuse SERVER_OUTDATED (rule M1): Client 4.15.0 is newer than rs1 (4.14.2)',
    );
    expect(message).toContain('who must move: server to 4.15 (rs1)');
    expect(message).toContain('cluster: oldest 4.14.2, newest 4.14.2, system tables at level 28');
    expect(message).toMatch(/rules looked at:\n {2}J1 +pass .*\n {2}M1 +fail /);
  });
});

test('what is no decision, and a code that does not exist, are mistakes and not failures', () => {
  expect(() => expect({ verdict: 'permit' }).toBeAdmitted()).toThrow(
    'this is no decision: {"verdict":"permit"}',
  );
  expect(() => expect(undefined).not.toBeRefused()).toThrow('this is no decision');
  expect(() => expect(new Error('boom')).not.toBeAdmitted()).toThrow('boom');
  expect(() => expect(refused).not.toBeRefused('SERVER_OUTDATD' as never)).toThrow(
    /there is no code SERVER_OUTDATD: .*SERVER_OUTDATED/,
  );
});

test('without an expect: assertions that throw what node:test shows', () => {
  assertAdmitted(admitted);
  assertRefused(refused);
  assertRefused(refused, 'SERVER_OUTDATED');
  assertMove({ decision: refused }, { side: 'server', to: '4.15' });
  expect(() => assertAdmitted(refused)).toThrow(/^expected the client to be admitted\n\n4\.15\.0: refuse/);
  expect(() => assertMove(refused, { side: 'client' })).toThrow('who must move: server to 4.15 (rs1)');
  const thrown = (() => {
    try {
      assertRefused(refused, 'LOCKSTEP');
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toMatchObject({
    name: 'AssertionError',
    actual: 'SERVER_OUTDATED',
    expected: 'LOCKSTEP',
  });
});
