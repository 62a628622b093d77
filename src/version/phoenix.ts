/**
 * Apache Phoenix's releases. Each level is `MetaDataProtocol.MIN_SYSTEM_TABLE_TIMESTAMP` of that release; a release
 * between two entries has the level of the lower one.
 */
import { createCatalogue, type Release } from './catalogue.ts';
import { parseMinor, parseVersion } from './version.ts';

const LEVELS: ReadonlyArray<readonly [release: string, level: number]> = [
  ['4.1.0', 3],
  ['4.2.0', 4],
  ['4.2.1', 5],
  ['4.3.0', 7],
  ['4.5.0', 8],
  ['4.6.0', 9],
  ['4.7.0', 15],
  ['4.8.0', 18],
  ['4.8.1', 18],
  ['4.9.0', 20],
  ['4.10.0', 25],
  ['4.11.0', 27],
  ['4.12.0', 27],
  ['4.13.0', 27],
  ['4.14.0', 28],
  ['4.15.0', 29],
  ['4.16.0', 33],
  ['5.0.0', 28],
  ['5.1.0', 33],
  ['5.2.0', 38],
  ['5.3.0', 44],
  ['5.4.0', 45],
];

const EXTRAS: Readonly<Record<string, Omit<Release, 'version' | 'level'>>> = {
  '4.3.0': {
    notes: 'From 4.3 on, clients of different minors may be connected at the same time.',
    link: 'https://phoenix.apache.org/upgrading.html',
  },
  '5.0.0': { notes: 'Phoenix 5 needs HBase 2; a Phoenix 4 client does not work with it.' },
  '5.1.0': {
    accepts: [parseMinor('4.16')],
    notes: 'Servers on 5.1 accept clients on 4.16, and no other client of major 4.',
  },
};

export const PHOENIX_CATALOGUE = createCatalogue(
  LEVELS.map(([release, level]) => ({ version: parseVersion(release), level, ...EXTRAS[release] })),
  [{ below: parseVersion('4.3.0'), lockstep: true, hopByHop: true }],
);
