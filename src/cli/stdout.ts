/**
 * Standard output for the decision log. Where it is a file (`serve > decisions.ndjson`), Node's own stream ends the
 * process when the disk is full; this one tries again, and the log bounds what waits.
 */
import fs from 'node:fs';
import { Writable } from 'node:stream';
import { realClock } from '../runtime/clock.ts';

const RETRY_MS = 1_000;
const STDOUT = 1;

/** Also takes over from whoever listens for errors: a gate outlives the reader of its log. */
export function logOutput(say: (line: string) => void): Writable {
  process.stdout.removeAllListeners('error');
  const found = fs.fstatSync(STDOUT);
  const plain = found.isFile() || (found.isCharacterDevice() && !process.stdout.isTTY);
  return plain ? createPatientOutput(STDOUT, say) : process.stdout;
}

export function createPatientOutput(fd: number, say: (line: string) => void): Writable {
  let failing = false;
  const put = (bytes: Uint8Array, done: (error?: Error) => void) =>
    fs.write(fd, bytes, (error, count) => {
      if (error !== null && !failing)
        say(`decision log: ${error.message}; records are kept in memory and tried again`);
      if (error === null && failing) say('decision log: standard output takes records again');
      failing = error !== null;
      if (error !== null) realClock.after(RETRY_MS, () => put(bytes, done));
      else if (count < bytes.length) put(bytes.subarray(count), done);
      else done();
    });
  return new Writable({
    decodeStrings: true,
    write: (chunk, _encoding, done) => put(chunk, done),
    writev: (chunks, done) => put(Buffer.concat(chunks.map(({ chunk }) => chunk)), done),
  });
}
