/** What is fuzzed: something that takes bytes from outside, and what may become of it. */

export interface Target {
  /** Inputs to begin from: right ones, and such as were a finding once. */
  readonly corpus: readonly Uint8Array[];
  /** Pieces that mutations put in: what a parser compares with is seldom hit by chance. */
  readonly words: readonly string[];
  /** The longest input, bytes. */
  readonly longest: number;
  /** @throws whatever is a finding; what an input may lead to is caught. */
  run(input: Uint8Array): void | Promise<void>;
  /** @throws if what is left over afterwards is a finding */
  close?(): Promise<void>;
}

/** Makes a target ready, in the thread that will run it. */
export type OpenTarget = () => Promise<Target>;

/** Texts as inputs. */
export const texts = (...all: readonly string[]): Uint8Array[] => all.map((text) => Buffer.from(text));

/** Runs what may throw errors of these classes, and no others. @returns what it returned; undefined if it threw one */
export function allowing<T>(classes: readonly (abstract new (...args: never) => Error)[], act: () => T) {
  try {
    return act();
  } catch (error) {
    if (classes.some((each) => error instanceof each)) return undefined;
    throw error;
  }
}
