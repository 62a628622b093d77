/** `skewgate sessions`: who is connected to what, at a gate that runs. */
import type { Command } from 'commander';
import { plural } from '../../config/units.ts';
import { type AdminOptions, addAdminOptions, adminClient } from '../admin-client.ts';
import { table } from '../print.ts';
import { printable, printableJson } from '../printable.ts';
import { wholeNumber } from '../usage.ts';

interface Options extends AdminOptions {
  readonly client?: string;
  readonly server?: string;
  readonly listener?: string;
  readonly peer?: string;
  readonly sort: string;
  readonly limit: number;
  readonly json?: true;
}

interface Session {
  readonly session: string;
  readonly client: string;
  readonly server: string;
  readonly listener: string;
  readonly peer: string;
  readonly driver: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly identity: string | null;
  readonly startedAt: string;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
}

interface Page {
  readonly sessions: readonly Session[];
  readonly next: string | null;
  readonly total: number;
}

/** Sessions that one question may be about. */
const AT_ONCE = 1_000;

/** Defines `sessions`. */
export function addSessions(program: Command): void {
  const command = program
    .command('sessions')
    .description('List the open sessions of a gate that runs.')
    .option('--client <release>', 'of this version, or of a release line such as 4.14')
    .option('--server <id>', 'with this server')
    .option('--listener <address>', 'that came to this listener')
    .option('--peer <address>', 'from this address, or from those that begin so')
    .option(
      '--sort <field>',
      'startedAt, client, server, listener, peer, bytesFromClient or bytesFromServer; a minus in front turns it round',
      'startedAt',
    )
    .option('--limit <number>', 'how many at most', wholeNumber, 100)
    .option('--json', 'print one JSON object');
  addAdminOptions(command).action(list);
}

async function list({ config, admin, json, limit, ...query }: Options): Promise<void> {
  const client = await adminClient({ ...(config && { config }), ...(admin && { admin }) });
  const sessions: Session[] = [];
  let page: Page = { sessions: [], next: null, total: 0 };
  do {
    const cursor = page.next === null ? {} : { cursor: page.next };
    const wanted = String(Math.min(AT_ONCE, limit - sessions.length));
    page = await client.get<Page>('/v1/sessions', { ...query, ...cursor, limit: wanted });
    sessions.push(...page.sessions);
  } while (page.next !== null && sessions.length < limit);
  const found = { sessions, next: page.next, total: page.total };
  console.log(json ? printableJson(found) : describe(found));
}

function describe({ sessions, total }: Page): string {
  if (total === 0) return 'No session is open.';
  const head = ['session', 'client', 'server', 'from', 'since', 'sent', 'got', 'who'];
  const rows = sessions.map(
    ({ session, client, server, peer, startedAt, driver, properties, identity, ...bytes }) =>
      [
        session,
        client,
        server,
        peer,
        startedAt.slice(0, 19).replace('T', ' '),
        String(bytes.bytesFromClient),
        String(bytes.bytesFromServer),
        identity ?? properties.name ?? properties.user ?? driver,
      ].map(printable),
  );
  const more = total - sessions.length;
  return [table([head, ...rows]), ...(more > 0 ? [`and ${plural(more, 'session')} more`] : [])].join('\n');
}
