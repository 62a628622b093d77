/** One good example of every message: the first of each in proto/vectors.json. */
import { readFileSync } from 'node:fs';
import type { Vectors } from '../../proto/vectors.ts';
import { MESSAGES, type Message, type MessageInput, type MessageName } from '../../src/wire/messages.ts';

export const VECTORS = JSON.parse(
  readFileSync(new URL('../../proto/vectors.json', import.meta.url), 'utf8'),
) as Vectors;

export const NAMES = Object.keys(MESSAGES) as MessageName[];

function firstOf(name: MessageName) {
  const found = VECTORS.messages.find(({ message }) => message === name);
  if (found === undefined) throw new Error(`no vector for ${name}`);
  return found;
}

export const EXAMPLES = Object.fromEntries(NAMES.map((name) => [name, firstOf(name).value])) as {
  readonly [Name in MessageName]: MessageInput<Name>;
};

/** The same as a receiver reads them: defaults filled in. */
export const DECODED = Object.fromEntries(NAMES.map((name) => [name, firstOf(name).read])) as {
  readonly [Name in MessageName]: Message<Name>;
};
