/** The admin side as a web application: every route with its schemas, what guards them, and the document about them. */
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { AdminContext, App } from './context.ts';
import { sendError, sendNotFound } from './errors.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { addCharts } from './routes/charts.ts';
import { addCluster } from './routes/cluster.ts';
import { addDecisions } from './routes/decisions.ts';
import { addHealth } from './routes/health.ts';
import { addMetrics } from './routes/metrics.ts';
import { addPage } from './routes/page.ts';
import { addPlanning } from './routes/planning.ts';
import { addReload } from './routes/reload.ts';
import { addSessions } from './routes/sessions.ts';
import { addSetup } from './routes/setup.ts';
import { addUpgrade } from './routes/upgrade.ts';
import { addVerbs } from './routes/verbs.ts';
import { addWaiting } from './routes/waiting.ts';

/** Bytes of a body: a policy to try is the longest that anybody sends. */
const MOST_BODY = 262_144;
/** ms that a request may take to arrive as a whole, from its first byte. */
const REQUEST_MS = 5_000;
/** Connections at once; a scrape, a page and a few commands are what comes. */
const MOST_CONNECTIONS = 256;

const ABOUT = [
  'What a skewgate shows of itself, and what an operator can have it do.',
  'Whatever changes something needs the token of the gate. Times are ISO 8601; names that end in `Ms` are milliseconds.',
].join(' ');

/** In the order of the document. */
const ROUTES = [
  addHealth,
  addMetrics,
  addCluster,
  addPlanning,
  addSessions,
  addWaiting,
  addDecisions,
  addUpgrade,
  addSetup,
  addCharts,
  addVerbs,
  addReload,
];

/** An application that listens nowhere yet. */
export async function createApp(context: AdminContext, guard: GuardOptions): Promise<App> {
  const app: App = fastify({
    bodyLimit: MOST_BODY,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    // How often node looks for requests that took too long.
    http: { connectionsCheckingInterval: 1_000, headersTimeout: REQUEST_MS },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = MOST_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(sendNotFound);
  app.addHook('onRequest', createGuard(guard));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'skewgate', description: ABOUT, version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  for (const add of ROUTES) add(app, context);
  addPage(app);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}
