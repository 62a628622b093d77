/** Which entries of a log are wanted. */
import semver from 'semver';
import { parseDuration } from '../../config/units.ts';
import { CODE_NAMES } from '../../policy/codes.ts';
import { printCore, tryParseVersion } from '../../version/version.ts';
import { UsageError } from '../usage.ts';
import { type Entry, textIn } from './entry.ts';

export interface FilterOptions {
  readonly refused?: true;
  readonly client?: string;
  readonly code?: string;
  readonly server?: string;
  readonly peer?: string;
  readonly session?: string;
  readonly since?: string;
  readonly until?: string;
}

type Keep = (entry: Entry) => boolean;

/** @throws {UsageError} on an option that says nothing. */
export function createFilter({
  refused,
  client,
  code,
  server,
  peer,
  session,
  since,
  until,
}: FilterOptions): Keep {
  const keeps: Keep[] = [];
  if (refused) keeps.push((entry) => isHandshake(entry) && textIn(entry, 'verdict') === 'refuse');
  if (client !== undefined) keeps.push(ofClients(client));
  if (code !== undefined) keeps.push(withCode(code));
  if (server !== undefined) keeps.push((entry) => textIn(entry, 'server') === server);
  if (session !== undefined) keeps.push((entry) => textIn(entry, 'session') === session);
  if (peer !== undefined) keeps.push((entry) => isOf(textIn(entry, 'peer'), peer));
  if (since !== undefined)
    keeps.push(
      (
        (from) =>
        ({ at }) =>
          at >= from
      )(timeOf('--since', since)),
    );
  if (until !== undefined)
    keeps.push(
      (
        (to) =>
        ({ at }) =>
          at <= to
      )(timeOf('--until', until)),
    );
  return (entry) => keeps.every((keep) => keep(entry));
}

const isHandshake = ({ event }: Entry) => event === 'handshake';

function ofClients(client: string): Keep {
  const text = semver.validRange(client);
  if (text === null) throw new UsageError(`--client ${client}: not a range such as '<4.14' or '4.13.x'`);
  const range = new semver.Range(text);
  return (entry) => {
    const version = isHandshake(entry) ? tryParseVersion(textIn(entry, 'client') ?? '') : null;
    return version !== null && range.test(printCore(version));
  };
}

function withCode(code: string): Keep {
  const wanted = code.toUpperCase();
  if (!(CODE_NAMES as readonly string[]).includes(wanted))
    throw new UsageError(`--code ${code}: one of ${CODE_NAMES.join(', ')}`);
  return (entry) => isHandshake(entry) && textIn(entry, 'code') === wanted;
}

/** An address is wanted as it is, or by its host alone. */
function isOf(peer: string | null, wanted: string): boolean {
  if (peer === null) return false;
  return peer === wanted || peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') === wanted;
}

function timeOf(option: string, text: string): number {
  const ago = parseDuration(text);
  const time = ago === null ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(time))
    throw new UsageError(`${option} ${text}: a duration such as 15m, or a time such as 2026-01-31T12:00:00Z`);
  return time;
}
