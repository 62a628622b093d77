/**
 * Standard output for the decision log. Where it is a file (`serve > decisions.ndjson`), Node's own stream ends the
 * process when the disk is full; this one tries again, and the log bounds what waits.
 */
import fs from 'node:fs';
import { Writable } from 'node:stream';
import { recordIn } from '../decision/ecs.ts';
import { realClock } from '../runtime/clock.ts';
import { lineOf } from './log-lines.ts';

const RETRY_MS = 1_000;
const STDOUT = 1;

/** Where the decision log goes without `log.file`: lines for people in a terminal, records as they are elsewhere. */
export function standardOutput(say: (line: string) => void): Writable {
  return process.stdout.isTTY
    ? createPrettyOutput((line) => process.stdout.write(`${line}\n`))
    : logOutput(say);
}

/** Records as lines for people; those that say nothing to a person are left out. */
export function createPrettyOutput(show: (line: string) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      for (const text of String(chunk).split('\n').filter(Boolean)) {
        const line = lineOf(recordIn(JSON.parse(text)) as Parameters<typeof lineOf>[0]);
        if (line !== null) show(line);
      }
      done();
    },
  });
}

/** Also takes over from whoever listens for errors: a gate outlives the reader of its log. */
function logOutput(say: (line: string) => void): Writable {
  process.stdout.removeAllListeners('error');
  const found = fs.fstatSync(STDOUT);
  const plain = found.isFile() || (found.isCharacterDevice() && !process.stdout.isTTY);
  return plain ? createPatientOutput(STDOUT, say) : process.stdout;
}

/** Writes to `fd`, and tries again for as long as it refuses, such as a full disk. */
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
