/** What tests of a gate that reads its config again share. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectTo } from '../../src/client/connect.ts';
import type { Session } from '../../src/client/session.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import type { ServedGate } from './support.ts';

export const LOG = 'log: { file: decisions.ndjson }';
/** Files announce nothing. */
export const WAIT = { timeout: 15_000, interval: 20 };

export const connect = (url: string) => connectTo(parseUrl(url), realRuntime);

export async function echo(session: Session, text: string): Promise<string> {
  session.write(text);
  const [data] = await once(session, 'data');
  return String(data);
}

/** Another text for the file, with the listeners that it has. */
export function rewrite({ folder, addresses }: ServedGate, text: string, listen = addresses): void {
  const entries = listen.map((address) => {
    const [scheme, rest] = address.split('://');
    return `{ ${scheme}: '${rest}' }`;
  });
  writeFileSync(path.join(folder, 'gate.yaml'), `listen: [${entries.join(', ')}]\n${text}`);
}
