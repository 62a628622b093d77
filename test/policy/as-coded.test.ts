/**
 * Preset `phoenix-as-coded` against an oracle of its own: every client 1.0 to 5.5 and beyond (twenty minors of
 * each major) at every such server. The oracle is written from the facts of `MetaDataUtil` and shares no code
 * with the policy.
 */
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import type { Decision } from '../../src/policy/types.ts';
import { client, cluster } from '../support/facts.ts';

interface Line {
  readonly major: number;
  readonly minor: number;
}

const LINES: Line[] = [1, 2, 3, 4, 5].flatMap((major) =>
  Array.from({ length: 21 }, (_, minor) => ({ major, minor })),
);

/** What `areClientAndServerCompatible` answers. Patches do not count. */
function oracle(
  theClient: Line,
  theServer: Line,
): readonly [code: string, vendorCode: number | null, sqlState: string | null] {
  const encode = ({ major, minor }: Line) => major * 1_000 + minor;
  if (encode(theClient) > encode(theServer)) return ['SERVER_OUTDATED', 2007, 'INT09'];
  const exception = encode(theServer) === 5_001 && encode(theClient) === 4_016;
  if (theClient.major < theServer.major && !exception) return ['MAJOR_MISMATCH', 2006, 'INT08'];
  return ['PERMITTED', null, null];
}

function asked(theClient: Line, theServer: Line, clientPatch: string, serverPatch: string): Decision {
  return decide(
    client(`${theClient.major}.${theClient.minor}.${clientPatch}`),
    cluster([`${theServer.major}.${theServer.minor}.${serverPatch}`]),
    PRESETS['phoenix-as-coded'],
  );
}

const show = ({ major, minor }: Line) => `${major}.${minor}`;

/** Pairs on which policy and oracle differ, as text; empty when they agree. */
function differences(clientPatch: string, serverPatch: string): string[] {
  return LINES.flatMap((theClient) =>
    LINES.flatMap((theServer) => {
      const { verdict, code, vendorCode, sqlState } = asked(theClient, theServer, clientPatch, serverPatch);
      const [expected, ...numbers] = oracle(theClient, theServer);
      const actual = [verdict, code, vendorCode, sqlState].join(' ');
      const wanted = [expected === 'PERMITTED' ? 'permit' : 'refuse', expected, ...numbers].join(' ');
      return actual === wanted ? [] : [`client ${show(theClient)}, server ${show(theServer)}: ${code}`];
    }),
  );
}

describe('phoenix-as-coded decides as Phoenix does', () => {
  test('[M1] [J1] for every client at every server', () => {
    expect(LINES).toHaveLength(105);
    expect(differences('0', '0')).toEqual([]);
  });

  test.each([
    ['0', '9'],
    ['0', '0-SNAPSHOT'],
    ['1-cdh5.14.2', '2-HBase-1.4'],
  ])('[P1] also with client patch %s and server patch %s', (clientPatch, serverPatch) => {
    expect(differences(clientPatch, serverPatch)).toEqual([]);
  });

  test('[M3] the one patch that changes a table is still compatible: its client upgrades, then is let in', () => {
    expect(differences('9', '0')).toEqual(['client 4.2, server 4.2: UPGRADE_NEEDED']);
    expect(asked({ major: 4, minor: 2 }, { major: 4, minor: 2 }, '1', '0').verdict).toBe('migrate');
  });

  test('the oracle itself says what the facts say', () => {
    const line = (text: string): Line => {
      const [major, minor] = text.split('.').map(Number) as [number, number];
      return { major, minor };
    };
    const says = (theClient: string, theServer: string) => oracle(line(theClient), line(theServer))[0];
    expect(says('4.15', '4.14')).toBe('SERVER_OUTDATED');
    expect(says('5.0', '4.16')).toBe('SERVER_OUTDATED');
    expect(says('4.16', '5.1')).toBe('PERMITTED');
    expect(says('4.16', '5.0')).toBe('MAJOR_MISMATCH');
    expect(says('4.15', '5.1')).toBe('MAJOR_MISMATCH');
    expect(says('4.0', '4.20')).toBe('PERMITTED');
  });

  test('how many of the pairs are admitted: the lower half inside each major, and 4.16 at 5.1', () => {
    const codes = LINES.flatMap((theClient) =>
      LINES.map((theServer) => asked(theClient, theServer, '0', '0').code),
    );
    const count = (code: string) => codes.filter((one) => one === code).length;
    expect(count('PERMITTED')).toBe(5 * 231 + 1);
    expect(count('SERVER_OUTDATED')).toBe((105 * 104) / 2);
    expect(count('MAJOR_MISMATCH')).toBe(10 * 441 - 1);
  });
});
