/** What docs/protocols.md says that a refused client prints is what the gate sends. */
import { expect, test } from 'vitest';
import { SPOKEN } from '../../src/frontend/speaks.ts';
import { refusal } from '../../src/policy/decision.ts';
import { readDocument } from '../support/documents.ts';

const SENTENCE = 'Client 4.16.0 is newer than real (4.14.0): upgrade every server to 4.16 before any client.';

test.each([
  ['redis', `-ERR ${SENTENCE} (SERVER_OUTDATED, rule M1; retry: after-change)\r\n`],
  ['mysql', `#08004${SENTENCE} (SERVER_OUTDATED, rule M1; retry: after-change)`],
] as const)('%s: the document has the text, and the bytes carry it', async (protocol, sent) => {
  const { explainRefusal } = await SPOKEN[protocol]();
  const { bytes, text } = explainRefusal(refusal('SERVER_OUTDATED', SENTENCE, { rule: 'M1' }));
  expect(Buffer.from(bytes).toString()).toContain(sent);
  expect(readDocument('docs/protocols.md')).toContain(`\`${text}\``);
});
