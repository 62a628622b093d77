/** A gate of a later version, played by bytes from the vectors: what clients of today make of words they do not know. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect, RefusedError } from '../../src/index.ts';
import { VECTORS } from '../support/examples.ts';

const PREFACE = 'f5534b4701010000';
const hexOf = (name: string) => {
  const input = VECTORS.goodInputs.find((one) => one.name.startsWith(name));
  if (input === undefined) throw new Error(`there is no good input ${name}`);
  return input;
};

/** A listener that answers whatever it hears with these bytes, and then ends its side. */
async function answerWith(...parts: readonly string[]): Promise<string> {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(Buffer.from(parts.join(''), 'hex')));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => void listener.close());
  return `skewgate://127.0.0.1:${(listener.address() as AddressInfo).port}/?version=4.14.0`;
}

async function refusedBy(url: string, codes: string[] = []): Promise<RefusedError> {
  const error = await connect(url, { onWait: ({ code }) => void codes.push(code) }).catch((reason) => reason);
  expect(error).toBeInstanceOf(RefusedError);
  return error;
}

test('a code that this driver does not know is a RefusedError with all that was said', async () => {
  const refuse = hexOf('a refuse with an unknown code');
  const codes: string[] = [];
  const error = await refusedBy(
    await answerWith(PREFACE, hexOf('a wait with an unknown code').hex, refuse.hex),
    codes,
  );
  expect(codes).toEqual(['QUOTA_WAIT']);
  expect(error).toMatchObject({
    verdict: 'refuse',
    code: 'QUOTA_EXCEEDED',
    rule: 'N1',
    retry: 'later',
    retryAfterMs: 5_000,
    move: null,
    transient: true,
    message: 'No server takes new sessions.',
  });
  expect(error.decision).toEqual(refuse.read);
});

test.each([
  'a refuse with an unknown rule',
  'a refuse whose trace has an unknown rule and an unknown outcome',
  'a refuse with an unknown vendor code',
  'a refuse with fields of a later revision',
])('%s is a RefusedError too, not a fault of the gate', async (name) => {
  const refuse = hexOf(name);
  const error = await refusedBy(await answerWith(PREFACE, refuse.hex));
  expect(error.decision).toEqual(refuse.read);
  expect(error.code).toBe('NO_SERVER');
});
