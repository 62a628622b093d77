/** `skewgate migration status` of a cluster whose config has upgrades wait for an approval. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';

test('an upgrade that waits for an approval is said to wait, until it is approved', async () => {
  const folder = tempFolder();
  const config = path.join(folder, 'gate.yaml');
  writeFileSync(
    config,
    `listen: [{ tcp: "127.0.0.1:0" }]
servers: [{ id: rs1, address: "tcp://127.0.0.1:1" }]
migration: { ledger: "sqlite:ledger.db", trigger: { approval: true } }
`,
  );
  const migration = async (verb: string, ...more: string[]) =>
    (await runCli(['migration', verb, '--config', config, ...more])).stdout;
  expect(await migration('status')).toMatch(
    /^waiting: the next upgrade waits for an approval \(skewgate migration approve\)/,
  );
  expect(JSON.parse(await migration('status', '--json')).state).toBe('waiting');
  // Gates that poll their ledger see it a little later: the verb says when, unless it had nothing to do.
  expect(await migration('approve')).toMatch(/\nGates heed it within 1 s\.\n$/);
  expect(await migration('retry')).not.toContain('heed');
  expect(await migration('status')).not.toMatch(/^waiting/);
});
