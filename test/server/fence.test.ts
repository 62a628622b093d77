/** Which claims servers take, and what they remember of those that they don't. */
import { expect, test } from 'vitest';
import { ask, type Fence } from '../../src/server/fence.ts';

const NONE: Fence = { token: 0, ledgers: [] };

/** What is remembered after these claims, and which of them were refused. */
function after(...claims: (readonly [token: number, ledger: string | null])[]) {
  let fence = NONE;
  const refused: number[] = [];
  for (const [at, [token, ledger]] of claims.entries()) {
    const asked = ask(fence, token, ledger);
    fence = asked.fence;
    if (asked.refusal !== null) refused.push(at);
  }
  return { token: fence.token, ledgers: fence.ledgers.map(({ id, token }) => `${id}:${token}`), refused };
}

test('whose the highest token is comes first, also after others were refused in any order', () => {
  expect(after([2, 'a'], [2, 'b'], [1, 'c'], [2, 'b'], [2, 'a'])).toEqual({
    token: 2,
    ledgers: ['a:2', 'b:2', 'c:1'],
    refused: [1, 2, 3],
  });
});

test('a ledger keeps its highest token, and its place once it holds the highest of all', () => {
  expect(after([2, 'a'], [3, 'b'], [2, 'a'], [4, 'a'], [3, 'a'])).toEqual({
    token: 4,
    ledgers: ['a:4', 'b:3'],
    refused: [2, 4],
  });
});

test('a claim without a ledger is told apart from no equal token, and holds none against others', () => {
  expect(after([2, null], [2, 'a'], [2, null], [2, 'b'])).toEqual({
    token: 2,
    ledgers: ['a:2', 'b:2'],
    refused: [3],
  });
  expect(after([2, 'a'], [3, null], [3, 'b'], [2, null])).toEqual({
    token: 3,
    ledgers: ['b:3', 'a:2'],
    refused: [3],
  });
});

test('eight are remembered, and the one whose token is the highest is never forgotten', () => {
  const others = Array.from({ length: 20 }, (_, at) => [5, `other-${at}`] as const);
  const { ledgers, refused } = after([5, 'holder'], ...others);
  expect(refused).toHaveLength(20);
  expect(ledgers).toHaveLength(8);
  expect([ledgers[0], ledgers[1], ledgers[7]]).toEqual(['holder:5', 'other-19:5', 'other-13:5']);
});
