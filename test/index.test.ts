/** What `import … from 'skewgate'` gives: all that a user of the driver and one of the policy need to name. */
import { expect, test } from 'vitest';
import {
  type ConnectOptions,
  type Decision,
  decide,
  extendCatalogue,
  PRESETS,
  type ProtocolRange,
  parseMinor,
  parseVersion,
  type Release,
  type ServerFacts,
  type SkewPolicy,
  type UpgradeState,
  type WaitNotice,
} from '../src/index.ts';

test("a policy of one's own, with releases of one's own, is made of what the package exports", () => {
  const release: Release = {
    version: parseVersion('6.0.0'),
    level: 60,
    accepts: [parseMinor('5.4')],
  };
  const policy: SkewPolicy = {
    ...PRESETS.phoenix,
    name: 'ours',
    catalogue: extendCatalogue(PRESETS.phoenix.catalogue, [release]),
  };
  const servers: ServerFacts[] = [{ id: 'a', version: parseVersion('6.0.0'), state: 'up' }];
  const upgrade: UpgradeState = { state: 'idle' };
  const judged = (version: string): Decision =>
    decide({ version: parseVersion(version), upgrade: 'may' }, { servers, level: 60, upgrade }, policy);
  expect(judged('5.4.0').verdict).toBe('permit');
  expect(judged('5.3.0')).toMatchObject({ code: 'MAJOR_MISMATCH', move: { side: 'client', to: '6.0' } });
});

test('protocol ranges, and what a held client hears, can be named', () => {
  const range: ProtocolRange = { min: 3, max: 5 };
  const client = { version: parseVersion('1.0.0'), upgrade: 'may', protocol: range } as const;
  const server: ServerFacts = { id: 'a', version: null, state: 'up', protocol: { min: 5, max: 7 } };
  const cluster = { servers: [server], level: null, upgrade: { state: 'idle' } } as const;
  expect(decide(client, cluster, PRESETS.ranges).verdict).toBe('permit');
  const heard: WaitNotice['code'][] = [];
  const options: ConnectOptions = { onWait: ({ code }) => heard.push(code) };
  options.onWait?.({ code: 'NO_SERVER', reason: '', progress: null, deadlineMs: 1 });
  expect(heard).toEqual(['NO_SERVER']);
});
