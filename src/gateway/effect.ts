/** What a verb of an operator does, or would do: what it returns, its preview, and what is on record of it. */
import { plural, seconds } from '../config/units.ts';
import type { OperatorEvent } from '../events/events.ts';
import type { Order, OrderScope, Target } from './orders.ts';

/** What every verb is told. */
export interface Asked {
  /** Who asks. */
  readonly by: string;
  /** Why, for people. */
  readonly reason: string;
  /** True: it only says what it would do. */
  readonly dryRun?: boolean | undefined;
}

/** Numbers and texts behind the sentence of an effect. */
export interface EffectDetails {
  readonly target: OperatorEvent['target'];
  readonly scope: OrderScope;
  /** Id of the order that stands now; null: none does, or the verb is none that lasts. */
  readonly order: string | null;
  /** When it ends by itself, ISO 8601; null: it does not. */
  readonly until: string | null;
  /** ms over which sessions end; null: as they like, or none has to. */
  readonly overMs: number | null;
  /** Of the sessions that it ends, those that are open. */
  readonly left: number;
  /** The same before it began, by client release, oldest first. */
  readonly clients: Readonly<Record<string, number>>;
  /** Clients that wait for an operator at this moment. */
  readonly held: number;
  /** What else the operator should know, as sentences. */
  readonly warnings: readonly string[];
}

/** Plain data, as the API gives it out. */
export interface Effect {
  readonly what: OperatorEvent['what'];
  readonly dryRun: boolean;
  /** Whether what the sentence says is true by now. */
  readonly done: boolean;
  /** What is waited for, as a clause; null: nothing. */
  readonly waitsFor: string | null;
  /** Sessions that it ends. */
  readonly sessions: number;
  readonly sentence: string;
  readonly details: EffectDetails;
}

/** A verb that can't be carried out; the message is a sentence for the operator. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  /** Whether what it is about is not there. */
  readonly isMissing: boolean;

  constructor(message: string, { isMissing = false } = {}) {
    super(message);
    this.isMissing = isMissing;
  }
}

/** The target as events and effects have it. */
export function targetOf(target: Target): OperatorEvent['target'] {
  switch (target.kind) {
    case 'gate':
      return { kind: 'gate', name: null };
    case 'server':
      return { kind: 'server', name: target.id };
    case 'listener':
      return { kind: 'listener', name: target.address };
    case 'clients':
      return { kind: 'clients', name: target.range };
  }
}

/** ms since the epoch, printed; null stays null. */
export function printTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** What a pause does, as a sentence. @param sessions open ones */
export function effectOfPause({ until, at }: Order, sessions: number): string {
  const how = until === null ? 'until an operator resumes' : `for ${seconds(until - at)}, or until resumed`;
  return `New clients wait ${how}; ${plural(sessions, 'session')} ${sessions === 1 ? 'goes' : 'go'} on.`;
}

/** What a drain does, as sentences. @param sessions open ones that belong to what is drained */
export function effectOfDrain({ target, overMs }: Order, sessions: number): string {
  return `${newcomersTo(target)}. ${endsOf(sessions, overMs)}.`;
}

function newcomersTo(target: Target): string {
  switch (target.kind) {
    case 'gate':
      return 'The gate takes no clients';
    case 'server':
      return `Server ${target.id} gets no new sessions`;
    case 'listener':
      return `${target.address} takes no clients`;
    case 'clients':
      return `New clients of ${target.range} are refused`;
  }
}

function endsOf(sessions: number, overMs: number | null): string {
  const them = plural(sessions, 'session');
  if (sessions === 0) return 'No session is open there';
  if (overMs === null)
    return `${them} ${sessions === 1 ? 'goes' : 'go'} on until the client or the server ends it`;
  return overMs === 0 ? `Closes ${them} at once` : `Closes ${them}, evenly over ${seconds(overMs)}`;
}

/** What is on record of an order. */
export function eventOf(
  { id, what, target, by, reason, until, overMs, scope }: Order,
  stage: OperatorEvent['stage'],
  facts: Pick<OperatorEvent, 'sessions' | 'effect'>,
): OperatorEvent {
  const lasting = { order: id, scope, until: printTime(until), overMs };
  return { event: 'operator', what, stage, by, reason, target: targetOf(target), ...lasting, ...facts };
}
