/** The page at `/`, and its files. They hold nothing of the gate: what a browser shows it asks the API for. */

import type { App } from '../context.ts';
import { PAGE_POLICY, readPageFiles } from '../page-files.ts';

/** Adds all of them. @throws {Error} if one can't be read */
export function addPage(app: App): void {
  for (const [at, { type, body }] of readPageFiles())
    app.get(at, { schema: { hide: true } }, async (_request, reply) =>
      reply.header('content-type', type).header('content-security-policy', PAGE_POLICY).send(body),
    );
}
