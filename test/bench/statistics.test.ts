/** Figures of the bench: what stands in the tables is what was measured. */
import { describe, expect, test } from 'vitest';
import type { Experiment, Measured, Values } from '../../bench/experiment.ts';
import { compact, markdownOf } from '../../bench/markdown.ts';
import { fill } from '../../bench/page.ts';
import { ratiosOf, slopeOf, spreadOf } from '../../bench/statistics.ts';
import { readDocument } from '../support/documents.ts';

describe('figures of rounds', () => {
  test('the median is the middle one, or lies between the two in the middle', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, lowest: 1, highest: 9 });
    expect(spreadOf([4, 1, 2, 9])).toEqual({ median: 3, lowest: 1, highest: 9 });
    expect(() => spreadOf([])).toThrow('no values');
  });

  test('ratios are taken round by round, so that a slow round is slow for both', () => {
    expect(ratiosOf([50, 10], [100, 20])).toEqual([0.5, 0.5]);
    expect(ratiosOf([50, 10], [100, 0])).toEqual([0.5]);
  });

  test('a slope is growth for each unit, whatever the level', () => {
    expect(slopeOf([0, 1, 2].map((at) => ({ at, value: 100 + 3 * at })))).toBeCloseTo(3);
    expect(slopeOf([{ at: 1, value: 5 }])).toBe(0);
  });

  test.each([
    [3, '3'],
    [1234, '1230'],
    [12_345, '12.3 k'],
    [0.4567, '0.457'],
    [2_500_000, '2.5 M'],
  ])('%s is printed as %s', (value, text) => expect(compact(value)).toBe(text));
});

describe('tables', () => {
  const experiment: Experiment = {
    name: 'x',
    title: 'some load',
    reference: 'haproxy',
    figures: [{ key: 'rate', title: 'rate', unit: '/s', more: true, goal: { least: 0.5, aim: 1 } }],
    variants: ['haproxy', 'gate', 'nginx'].map((id) => ({ id, open: () => Promise.reject(new Error()) })),
  };
  const measured = (values: Record<string, Values[]>, skipped: Record<string, string> = {}): Measured => ({
    experiment,
    values: new Map(Object.entries(values)),
    skipped: new Map(Object.entries(skipped)),
    seconds: 1,
  });

  test('show ratios with their spread, and of the reference the value', () => {
    const text = markdownOf([
      measured({ haproxy: [{ rate: 100 }, { rate: 200 }], gate: [{ rate: 40 }, { rate: 100 }] }),
    ]);
    expect(text).toContain('| figure | haproxy | gate | at least | aim |');
    expect(text).toContain('| rate, /s | 1.00 = 150 | 0.45 (0.40 to 0.50) | 0.5 | 1 |');
  });

  test('say what is missing, and why', () => {
    const text = markdownOf([
      measured({ haproxy: [{ rate: 100 }] }, { nginx: 'not on this machine: nginx' }),
    ]);
    expect(text).toContain('- some load, nginx: not on this machine: nginx');
  });

  test('show values where there is nothing to compare with', () => {
    expect(markdownOf([measured({ gate: [{ rate: 40 }] })])).toContain('| rate, /s | 40 |');
  });
});

describe('the page of results', () => {
  test('gets what stands between two markers, and nothing else of it changes', () => {
    const page = 'Before.\n\n<!-- bench:tables -->\n\nold\n\n<!-- /bench:tables -->\n\nAfter.\n';
    const filled = fill(page, 'tables', '| a |');
    expect(filled).toBe('Before.\n\n<!-- bench:tables -->\n\n| a |\n\n<!-- /bench:tables -->\n\nAfter.\n');
    expect(fill(filled, 'tables', '| a |')).toBe(filled);
    expect(() => fill('Nothing.', 'tables', '')).toThrow('no markers for tables');
  });

  test('has the markers that the bench fills', () => {
    const page = readDocument('docs/performance.md');
    for (const name of ['tables', 'pictures']) expect(fill(page, name, 'x')).toContain('x');
  });
});
