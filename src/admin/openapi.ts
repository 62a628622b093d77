/** The OpenAPI document, without a gate: what `npm run generate` writes to docs/openapi.json. */
import { createApp } from './app.ts';
import type { AdminContext } from './context.ts';

/** As `/openapi.json` has it. */
export async function openApiDocument(): Promise<object> {
  // Routes look at their gate, and the guard at its tokens, only when they are asked something.
  const app = await createApp({} as AdminContext, {
    credentials: { made: null, find: () => null },
    hosts: null,
    metricsToken: false,
    tls: null,
    refused() {},
  });
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
