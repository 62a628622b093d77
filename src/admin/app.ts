/** The admin side as a web application: every route with its schemas, what guards them, and the document about them. */
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyHttpOptions,
  type FastifyRequest,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { isChange } from './access.ts';
import { Acts } from './acts.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { AdminContext, App } from './context.ts';
import { errorSchema, sendError, sendNotFound } from './errors.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { Guard, type GuardOptions, requireAccess } from './guard.ts';
import { addAccess } from './routes/access.ts';
import { addCharts } from './routes/charts.ts';
import { addCluster } from './routes/cluster.ts';
import { addDecisions } from './routes/decisions.ts';
import { addHealth } from './routes/health.ts';
import { addLedgerActs } from './routes/ledger-acts.ts';
import { addMetrics } from './routes/metrics.ts';
import { addPage } from './routes/page.ts';
import { addPlanning } from './routes/planning.ts';
import { addReload } from './routes/reload.ts';
import { addSessions } from './routes/sessions.ts';
import { addSetup } from './routes/setup.ts';
import { addUpgrade } from './routes/upgrade.ts';
import { addVerbs } from './routes/verbs.ts';
import { addWaiting } from './routes/waiting.ts';
import type { TlsFiles } from './tls.ts';

/** Bytes of a body: a policy to try is the longest that anybody sends. */
const MOST_BODY = 262_144;
/** ms that a request may take to arrive as a whole, from its first byte. */
const REQUEST_MS = 5_000;
/** Connections at once; a scrape, a page and a few commands are what comes. */
const MOST_CONNECTIONS = 256;

const ABOUT = [
  'What a skewgate shows of itself, and what an operator can have it do.',
  'Whatever changes something needs a token, which `security` names with its least role; where the config states tokens, reading needs one too. With an `Idempotency-Key` a request is acted on once. Times are ISO 8601; names that end in `Ms` are milliseconds.',
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
  addLedgerActs,
];

/** What guards it; wrong tokens it counts itself. */
export interface AppOptions extends Omit<GuardOptions, 'failures' | 'isSecure'> {
  /** Null: it speaks plain HTTP. */
  readonly tls: TlsFiles | null;
}

/** An application that listens nowhere yet. */
export async function createApp(context: AdminContext, options: AppOptions): Promise<App> {
  // Node's own options; fastify takes them by one name or the other.
  const times = { connectionsCheckingInterval: 1_000, headersTimeout: REQUEST_MS };
  const { tls, ...rest } = options;
  const app: App = fastify({
    bodyLimit: MOST_BODY,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    ...(tls === null ? { http: times } : { https: { ...times, ...tls, handshakeTimeout: REQUEST_MS } }),
  } as FastifyHttpOptions<RawServerDefault>).withTypeProvider<ZodTypeProvider>();
  const connections = new ConnectionLimit(MOST_CONNECTIONS);
  connections.guard(app.server);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(sendNotFound);
  const guard = new Guard({ ...rest, isSecure: tls !== null, failures: new FailedAttempts(context.clock) });
  const acts = new Acts(context.clock);
  app.decorateRequest('holder', null);
  app.addHook('onRequest', (request, reply) => guard.admit(request, reply));
  app.addHook('preHandler', async (request: FastifyRequest) => {
    connections.begin(request.raw.socket);
    await acts.take(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    connections.end(request.raw.socket);
    await acts.release(request, reply);
  });
  app.addHook('onRoute', documentAccess);
  app.addHook('onRoute', documentErrors);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'skewgate', description: ABOUT, version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  });
  for (const add of ROUTES) add(app, context);
  addAccess(app, guard);
  addPage(app);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}

/** Whom a route answers, by the table of them. @throws {Error} if it is not in there */
function documentAccess(route: RouteOptions): void {
  const { schema, method, url } = route;
  const access = requireAccess([method].flat()[0] as string, url);
  if (schema === undefined || access === 'anybody') return;
  // Reading is for anybody as long as no tokens are stated.
  route.schema = { ...schema, security: [...(isChange(access) ? [] : [{}]), { token: [access] }] };
}

/** Every route may answer with an error, and all of them have one form. */
function documentErrors(route: RouteOptions): void {
  const { schema } = route;
  if (schema === undefined || schema.hide === true) return;
  route.schema = { ...schema, response: { ...(schema.response as object), default: errorSchema } };
}

/** The document without those of its schemas that nothing in it names. */
function withoutUnused(document: ReturnType<typeof jsonSchemaTransformObject>): typeof document {
  if (!('components' in document)) return document;
  const schemas = document.components?.schemas ?? {};
  const isNamed = (name: string) => JSON.stringify(document).includes(`"#/components/schemas/${name}"`);
  for (const name of Object.keys(schemas)) if (name.endsWith('Input') || !isNamed(name)) delete schemas[name];
  return document;
}
