/** A server's process as far as its tables go: for each `FILE` line on standard input it opens them, and prints their level or the error. */
import { createInterface } from 'node:readline';
import { openTables } from '../../../src/server/tables.ts';

console.log('ready');
for await (const file of createInterface({ input: process.stdin })) {
  try {
    const tables = openTables(file, 27);
    console.log(`level ${tables.level}`);
    tables.close();
  } catch (error) {
    console.log(String(error));
  }
}
