/**
 * The loop: mutates what is known, runs it, and keeps inputs that reach a block of the project's code which none
 * reached before. Which inputs are made depends on the seed and on what they reach, never on the time.
 */
import { createSeeded } from '../../src/runtime/seeded.ts';
import { Coverage } from './coverage.ts';
import { Draw, mutate } from './mutate.ts';
import type { Target } from './target.ts';

/** Inputs between two looks at what was reached. */
const BATCH = 128;
/** Of one input, ms: it is slow if it takes longer each of three times. */
const SLOW = 1_500;
/** Findings that differ are kept up to here. */
const MOST_FINDINGS = 20;

/** Something that an input did and should not have done. */
export interface Finding {
  readonly error: string;
  readonly input: Uint8Array;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Asked after each batch: whether that was all. */
  isOver(inputs: number): boolean;
  /** Told of each input before it runs. */
  onInput?(input: Uint8Array): void;
}

export interface FuzzResult {
  readonly inputs: number;
  /** Blocks that were reached. */
  readonly blocks: number;
  /** Inputs that it knows now, those that it began with among them. */
  readonly corpus: number;
  readonly findings: readonly Finding[];
}

/** Fuzzes one target until it is told that it is over, then closes it. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const draw = new Draw(createSeeded(options.seed));
  const run = new Run(target, options);
  await run.all(target.corpus);
  const corpus = [...target.corpus];
  const material = { corpus, words: target.words.map((word) => Buffer.from(word)), longest: target.longest };
  run.blocks();
  do {
    const batch = Array.from({ length: BATCH }, () => mutate(draw, material));
    await run.all(batch);
    const news = run.blocks();
    if (news.size > 0) corpus.push(...(await run.those(batch, news)));
  } while (!options.isOver(run.inputs));
  return { ...(await run.end()), corpus: corpus.length };
}

/** A target being run: what it reached, and what was found. */
class Run {
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #coverage = new Coverage();
  readonly #seen = new Set<string>();
  /** By the place that an error came from: the same one is not told twice. */
  readonly #findings = new Map<string, Finding>();
  inputs = 0;

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
  }

  async all(batch: readonly Uint8Array[]): Promise<void> {
    for (const input of batch) await this.#one(input);
  }

  /** Blocks that were reached since the last call, and never before. */
  blocks(): Set<string> {
    const news = this.#coverage.take().difference(this.#seen);
    for (const block of news) this.#seen.add(block);
    return news;
  }

  /** Those of a batch that reach these blocks: each block is one input's, the first. */
  async those(batch: readonly Uint8Array[], blocks: Set<string>): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (let left = blocks, at = 0; at < batch.length && left.size > 0; at++) {
      const input = batch[at] as Uint8Array;
      await this.#one(input);
      const rest = left.difference(this.#coverage.take());
      if (rest.size < left.size) found.push(input);
      left = rest;
    }
    return found;
  }

  async end(): Promise<Omit<FuzzResult, 'corpus'>> {
    const none = new Uint8Array(0);
    const error = await failureOf(() => this.#target.close?.());
    if (error !== null) this.#findings.set('close', { error, input: none });
    this.#coverage.close();
    return { inputs: this.inputs, blocks: this.#seen.size, findings: [...this.#findings.values()] };
  }

  async #one(input: Uint8Array): Promise<void> {
    this.#options.onInput?.(input);
    this.inputs++;
    const run = () => this.#target.run(Uint8Array.from(input));
    const cpu = process.threadCpuUsage();
    const error = (await failureOf(run)) ?? (cpuSince(cpu) > SLOW ? await slowness(run) : null);
    if (error === null || this.#findings.size === MOST_FINDINGS) return;
    const place = placeOf(error);
    if (!this.#findings.has(place)) this.#findings.set(place, { error, input });
  }
}

/** ms of computing in this thread. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** Whether it takes as long again, twice: a collection of garbage would not. */
async function slowness(run: () => unknown): Promise<string | null> {
  for (let again = 0; again < 2; again++) {
    const cpu = process.threadCpuUsage();
    await failureOf(run);
    if (cpuSince(cpu) <= SLOW) return null;
  }
  return `takes more than ${SLOW} ms of computing`;
}

/** What it throws, with its stack; null: nothing. */
async function failureOf(run: () => unknown): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? String(error)) : `threw ${String(error)}`;
  }
}

/** Where an error was thrown. */
function placeOf(error: string): string {
  return /\n +at [^\n]*/.exec(error)?.[0] ?? error;
}
