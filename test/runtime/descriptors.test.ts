import { expect, test } from 'vitest';
import {
  type DescriptorNews,
  descriptorLimit,
  descriptorsFor,
  limitIn,
  watchDescriptors,
} from '../../src/runtime/descriptors.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

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

test('a lack of descriptors that comes and goes every second is told of once, not every second', async () => {
  const clock = new VirtualClock();
  let isLeft = true;
  const news: DescriptorNews[] = [];
  const watch = watchDescriptors(
    clock,
    (change) => news.push(change),
    () => isLeft,
  );
  await clock.run(10_000);
  expect(news).toEqual([]);
  for (let second = 0; second < 600; second++) {
    isLeft = second % 2 === 1;
    await clock.run(1_000);
  }
  expect(news).toEqual([{ isLeft: false, times: 1, seconds: 0 }]);
  isLeft = true;
  await clock.run(10_000);
  expect(news.slice(1)).toEqual([{ isLeft: true, times: 1, seconds: 599 }]);
  isLeft = false;
  await clock.run(60_000);
  expect(news.slice(2)).toEqual([{ isLeft: false, times: 2, seconds: 0 }]);
  watch.cancel();
  expect(clock.pending).toBe(0);
});
