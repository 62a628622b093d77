/** `npm run counts`: counts anew, shows what changed, and writes expected.json. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type AllCounts, countAllocations, countSystemCalls } from './count.ts';

const EXPECTED = new URL('./expected.json', import.meta.url);

const folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-counts-'));
const counted: AllCounts = {
  allocations: await countAllocations(),
  systemCalls: {
    tcp: await countSystemCalls('tcp', folder),
    ws: await countSystemCalls('ws', folder),
  },
};
rmSync(folder, { recursive: true });
const before = flat(JSON.parse(readFileSync(EXPECTED, 'utf8')));
const now = flat(counted);
for (const [name, count] of now) console.log(`${name}: ${before.get(name) ?? 'new'} -> ${count}`);
writeFileSync(EXPECTED, `${JSON.stringify(counted, null, 2)}\n`);
process.exit();

function flat({ allocations, systemCalls }: AllCounts): Map<string, number> {
  const groups = { allocations, ...systemCalls };
  return new Map(
    Object.entries(groups).flatMap(([group, counts]) =>
      Object.entries(counts).map(([name, count]) => [`${group}: ${name}`, count]),
    ),
  );
}
