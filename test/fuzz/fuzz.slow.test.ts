/** Every parser, fuzzed for a moment; `npm run fuzz` does it for an hour. And that the fuzzer finds what there is. */
import { describe, expect, test } from 'vitest';
import { type FuzzResult, fuzz } from './fuzz.ts';
import { runTarget } from './run-target.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets/registry.ts';

/** Whatever a busy machine makes of it, a target is run for no longer, ms. */
const MOST_MS = 20_000;

describe.each(Object.keys(TARGETS))('%s', (target) => {
  test('takes whatever comes', async () => {
    const { inputs, blocks, findings } = await runTarget({ target, seed: 20, ms: MOST_MS, inputs: 1_000 });
    expect(findings.map(({ error, input }) => `${error}\n${Buffer.from(input).toString('hex')}`)).toEqual([]);
    expect(inputs).toBeGreaterThan(50);
    expect(blocks).toBeGreaterThan(5);
  });
});

describe('the fuzzer', () => {
  const planted: Target = {
    corpus: [Buffer.from('0000')],
    words: ['token='],
    longest: 64,
    run(input) {
      const text = Buffer.from(input).toString('latin1');
      if (text.includes('token=\0')) throw new Error('found');
    },
  };

  async function playOf(seed: number, target: Target): Promise<{ result: FuzzResult; inputs: string[] }> {
    const inputs: string[] = [];
    const result = await fuzz(target, {
      seed,
      isOver: (count) => count > 20_000,
      onInput: (input) => inputs.push(Buffer.from(input).toString('hex')),
    });
    return { result, inputs };
  }

  test('finds a fault that is there, and tells it once, with its input', async () => {
    const { result } = await playOf(1, planted);
    expect(result.findings).toHaveLength(1);
    expect(result.findings[0]?.error).toContain('Error: found');
    expect(Buffer.from(result.findings[0]?.input ?? []).toString('latin1')).toContain('token=\0');
  });

  test('makes the same inputs of the same seed, and others of another', async () => {
    const [one, again, other] = [
      await playOf(1, planted),
      await playOf(1, planted),
      await playOf(2, planted),
    ];
    expect(again.inputs).toEqual(one.inputs);
    expect(other.inputs).not.toEqual(one.inputs);
  });

  test('takes an input that computes without end for slow', async () => {
    const slow: Target = {
      ...planted,
      run() {
        for (const end = performance.now() + 2_000; performance.now() < end; );
      },
    };
    const result = await fuzz(
      { ...slow, corpus: [Buffer.of(1)], longest: 0, run: once(slow.run) },
      { seed: 1, isOver: () => true },
    );
    expect(result.findings.map(({ error }) => error)).toEqual([expect.stringContaining('of computing')]);
  });
});

/** Runs for inputs that are not empty. */
function once(run: Target['run']): Target['run'] {
  return (input) => (input.length > 0 ? run(input) : undefined);
}
