/** What the documents show of `skewgate explore`: it takes too long for the fast suite. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { ROOT } from '../support/documents.ts';
import { tempFolder } from '../support/folder.ts';
import { missingParts, RUN_DOCUMENTS, shownIn, wordsOf } from '../support/snippets.ts';

const commands = RUN_DOCUMENTS.flatMap(shownIn).filter(({ command }) =>
  /npx skewgate explore .*--seed/.test(command),
);

test('the documents show one', () => {
  expect(commands).not.toEqual([]);
});

test.each(commands)(
  '$document: $command finds and shrinks what the document says',
  async ({ command, output }) => {
    const words = wordsOf(command).map((word) =>
      word.startsWith('examples/') ? path.join(ROOT, word) : word,
    );
    const { status, stdout } = await runCli(words, { cwd: tempFolder(), timeoutMs: 120_000 });
    expect(status).toBe(1);
    expect(missingParts(output, stdout)).toEqual([]);
  },
);
