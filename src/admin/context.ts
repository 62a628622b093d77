/** What the routes of the admin side are about: the gate that they show and steer. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Config } from '../config/schema.ts';
import type { Coordination } from '../coordination/coordination.ts';
import type { BuiltGate } from '../gateway/build.ts';
import type { Reload } from '../gateway/reload.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Recent } from './recent.ts';

/** A gate with an admin side. */
export interface AdminContext extends Omit<BuiltGate, 'config'> {
  /** The config that the gate goes by now. */
  readonly config: () => Config;
  /** Its part in its cluster; null: it shares nothing with other gates. */
  readonly coordination: Coordination | null;
  readonly metrics: Pick<Metrics, 'text' | 'contentType' | 'countRefusedRequest'>;
  /** What happened lately: a sink of its events. */
  readonly recent: Recent;
  /** Absent: the gate has no config that it could read again. */
  readonly reload?: Reload | null;
  readonly clock: Clock;
  /** ms since the epoch. */
  readonly startedAt: number;
  /** Of skewgate. */
  readonly program: string;
}

/** Fastify with schemas in zod: what a route is added to. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
