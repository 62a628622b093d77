import { expect, test } from 'vitest';
import { descriptorLimit, descriptorsFor, limitIn } from '../../src/runtime/descriptors.ts';

test('the soft limit of open files is read from what Linux says of a process', () => {
  const text = (files: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             63200                63200                processes \nMax open files            ${files}                files     \n`;
  expect(limitIn(text('1024                 524288'))).toBe(1_024);
  expect(limitIn(text('unlimited            unlimited'))).toBeNull();
  expect(limitIn('')).toBeNull();
});

test('of this process it is what Node reports, or nothing', ({ skip }) => {
  const limit = descriptorLimit();
  skip(limit === null, 'this system does not tell the limit');
  const { userLimits } = process.report.getReport() as { userLimits: { open_files: { soft: number } } };
  expect(limit).toBe(userLimits.open_files.soft);
});

test('a session needs two descriptors, a client on its way in one, and the gate some of its own', () => {
  const need = descriptorsFor({ handshakes: 100, sessions: 1_000 });
  expect(need).toBeGreaterThan(2_100);
  expect(need).toBeLessThan(2_300);
});
