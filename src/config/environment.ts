/**
 * What a config presumes of the machine that it is served on: folders, programs and files that it names are there,
 * and no server is the gate itself. `check` and `serve` both ask here, so that what one passes the other takes.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseLedgerAddress } from '../migration/ledger/registry.ts';
import { hasSystemTables } from '../policy/types.ts';
import { parseHostPort, splitAddress } from '../transport/address.ts';
import { isLocalHost } from '../transport/networks.ts';
import type { Path } from './path.ts';
import { policyOf } from './policy.ts';
import type { Spelled } from './problems.ts';
import { publicProblems } from './public-admin.ts';
import type { Config } from './schema.ts';
import { findStrangers } from './ways-in.ts';

/** Where a config is served. */
export interface Place {
  /** The config file itself. */
  readonly file: string;
  /** Where relative paths of the config start. */
  readonly folder: string;
}

/** Of the 128 that a gate's id has on the wire, those that the number of a worker leaves. */
const LONGEST_ID = 125;

type Hook = NonNullable<Config['migration']['check']> | Config['migration']['hook'];

/** What this machine lacks for the config, each with the key that needs it. */
export function findMissing(config: Config, place: Place): Spelled[] {
  return [
    ...logProblems(config.log, place),
    ...(hasSystemTables(policyOf(config)) ? migrationProblems(config.migration, place) : []),
    ...config.servers.flatMap(({ version }, at) =>
      typeof version === 'object' && version.command !== undefined
        ? programProblems(['servers', at, 'version', 'command'], version.command, place)
        : [],
    ),
    ...loops(config),
    ...findStrangers(config),
    ...workerProblems(config),
    ...publicProblems(config.admin),
  ];
}

/** What several processes can't share, or have no room for: each goes by the gate's id with its number behind it. */
function workerProblems({ workers, id = '', migration: { ledger }, admin }: Config): Spelled[] {
  if (workers === 1) return [];
  return [
    ...(ledger === 'memory:'
      ? [
          {
            path: ['migration', 'ledger'],
            message: 'a ledger in memory is of one process, and there are several workers',
          },
        ]
      : []),
    ...(admin === undefined
      ? []
      : [
          {
            path: ['admin'],
            message:
              'it is of one process, and there are several workers: state `workers: 1`, or run several gates with one ledger',
          },
        ]),
    ...(id.length > LONGEST_ID
      ? [{ path: ['id'], message: `with workers it has at most ${LONGEST_ID} characters` }]
      : []),
  ];
}

function logProblems({ file }: Config['log'], place: Place): Spelled[] {
  if (file === undefined) return [];
  const at = ['log', 'file'];
  const full = path.resolve(place.folder, file);
  if (isSame(full, path.resolve(place.file)))
    return [{ path: at, message: 'this is the config file itself, which records would be appended to' }];
  if (statOf(full)?.isDirectory()) return [{ path: at, message: `${full} is a folder, not a file` }];
  return folderProblems(at, full);
}

function migrationProblems(migration: Config['migration'], place: Place): Spelled[] {
  const { file } = parseLedgerAddress(migration.ledger);
  return [
    ...(file === null ? [] : folderProblems(['migration', 'ledger'], path.resolve(place.folder, file))),
    ...hooksOf(migration).flatMap(([at, hook]) => hookProblems(at, hook, place)),
  ];
}

/** The folder that a file is made in has to be there. */
function folderProblems(at: Path, file: string): Spelled[] {
  const folder = path.dirname(file);
  const found = statOf(folder);
  if (found === null) return [{ path: at, message: `the folder ${folder} does not exist` }];
  return found.isDirectory() ? [] : [{ path: at, message: `${folder} is not a folder` }];
}

function hooksOf({ hook, hooks, check, snapshot, restore }: Config['migration']): Array<[Path, Hook]> {
  const named = Object.entries({ hook, check, snapshot, restore }).map(
    ([key, entry]): [Path, Hook | undefined] => [['migration', key], entry],
  );
  const single = Object.entries(hooks).map(([version, entry]): [Path, Hook] => [
    ['migration', 'hooks', version],
    entry,
  ]);
  return [...named, ...single].filter((entry): entry is [Path, Hook] => entry[1] !== undefined);
}

function hookProblems(at: Path, hook: Hook, place: Place): Spelled[] {
  if ('server' in hook) return [];
  if (hook.command !== undefined) return programProblems([...at, 'command'], hook.command, place);
  if (hook.module === undefined || statOf(path.resolve(place.folder, hook.module)) !== null) return [];
  const full = path.resolve(place.folder, hook.module);
  return [{ path: [...at, 'module'], message: `the file ${full} does not exist` }];
}

/** Programs are looked for as the system does: by path where the name has one, else in PATH. */
function programProblems(at: Path, [program = '']: readonly string[], { folder }: Place): Spelled[] {
  const isPath = program.includes('/');
  const places = isPath ? [''] : (process.env.PATH ?? '').split(path.delimiter);
  const candidates = places.map((entry) => path.resolve(folder, entry, program));
  if (candidates.some(isExecutable)) return [];
  const present = candidates.find((candidate) => statOf(candidate)?.isFile());
  const message =
    present !== undefined
      ? `${present} is not executable`
      : isPath
        ? `the program ${candidates[0]} does not exist`
        : `the program ${program} was not found in PATH`;
  return [{ path: [...at, 0], message }];
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

function statOf(file: string): fs.Stats | null {
  return fs.statSync(file, { throwIfNoEntry: false }) ?? null;
}

/** Two names of one file, through links too. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  return one === other || (a !== null && b !== null && a.ino === b.ino && a.dev === b.dev);
}

/** Servers that are a listener of this very gate: each connection to one would open the next, without end. */
function loops({ listen, servers }: Config): Spelled[] {
  const own = listen.map(({ tcp, ws }) => parseHostPort((tcp ?? ws) as string));
  return servers.flatMap(({ address }, at) => {
    const { host, port } = parseHostPort(splitAddress(address)[1].split('/')[0] as string);
    const reached = own.findIndex((entry) => entry.port === port && port !== 0 && reaches(host, entry.host));
    return reached < 0
      ? []
      : [
          {
            path: ['servers', at, 'address'],
            message: `this is the gate's own listener, listen[${reached}]: it would connect to itself without end`,
          },
        ];
  });
}

/** Whether dialling `host` ends at a listener on `listener`. Names other than localhost are not looked up. */
function reaches(host: string, listener: string): boolean {
  const [dialled, bound] = [host.toLowerCase(), listener.toLowerCase()];
  if (dialled === bound) return true;
  if (!isAny(bound))
    return isLocalHost(dialled) && isLocalHost(bound) && [dialled, bound].includes('localhost');
  return isAny(dialled) || isLocalHost(dialled) || interfaceAddresses().has(dialled);
}

const isAny = (host: string) => host === '0.0.0.0' || host === '::';

function interfaceAddresses(): Set<string> {
  return new Set(
    Object.values(os.networkInterfaces()).flatMap((entries = []) => entries.map(({ address }) => address)),
  );
}
