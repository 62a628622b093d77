/** Saying what is wrong costs little, however much of a file is. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { spellProblems } from '../../src/config/problems.ts';

test('of thousands of numbers that should be text, few are looked at again to say what is wrong with them', () => {
  let looked = 0;
  const text = z.preprocess(
    (value) => {
      looked++;
      return value;
    },
    z.string().regex(/^tcp:/, 'no address'),
  );
  const schema = z.strictObject({ servers: z.array(z.strictObject({ id: z.string(), address: text })) });
  const data = { servers: Array.from({ length: 10_000 }, (_, at) => ({ id: `s${at}`, address: at })) };
  const issues = schema.safeParse(data).error?.issues ?? [];
  expect(looked).toBe(10_000);
  const spelled = spellProblems(schema, data, issues);
  expect(spelled).toHaveLength(50);
  expect(spelled[7]).toEqual({ path: ['servers', 7, 'address'], message: 'no address' });
  expect(looked).toBeLessThan(10_200);
});
