/**
 * A gate whose decision log is on or off, which the command cannot turn off: `node gate-in-process.ts CONFIG on|off`.
 * Built as the command builds it.
 */
import path from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import type { DecisionLog } from '../../src/decision/record.ts';
import { buildGate } from '../../src/gateway/build.ts';
import { realRuntime } from '../../src/runtime/real.ts';

const NO_LOG: DecisionLog = { lostInAll: 0, write() {}, async close() {} };

const [file = '', log = 'on'] = process.argv.slice(2);
const folder = path.dirname(file);
const { gate } = buildGate(await loadConfig(file), {
  ...realRuntime,
  folder,
  ...(log === 'off' && { log: NO_LOG }),
  say: (line) => console.error(line),
});
await gate.start();
console.error(`listening on ${gate.status().addresses.join(', ')}`);
process.on('SIGTERM', () => process.exit());
