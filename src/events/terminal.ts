/** The operator's terminal: the few events that somebody should see who does not read the log. */
import type { GateEvent, MigrationEvent, OperatorEvent, ServerEvent } from './events.ts';
import type { EventSink } from './fan-out.ts';

type Sentences = {
  readonly [What in MigrationEvent['what']]?: (event: Extract<MigrationEvent, { what: What }>) => string;
};

const withError = ({ error }: { readonly error: string | null }) => error ?? '';

/** What is said of the upgrade; of what has no entry here, nothing. */
const SENTENCES: Sentences = {
  failed: withError,
  'given-up': ({ attempts, error }) => `after ${attempts} attempts: ${error ?? 'no reason on record'}`,
  lost: withError,
  'claim-failed': ({ client, error }) => `client ${client} brought an upgrade that can't begin: ${error}`,
  'restore-failed': withError,
  'foreign-ledger': withError,
  'impossible-token': withError,
  'ledger-unavailable': withError,
  'ledger-doubted': withError,
  'clock-skew': withError,
  'level-went-back': ({ fromLevel, toLevel }) => `from level ${fromLevel ?? 'unknown'} to ${toLevel}`,
  'hook-out-of-sight': ({ host, pid }) =>
    `process ${pid} of an earlier attempt may still run on ${host}, where this gate can't look`,
};

/** One line for each event worth saying. What can't begin for the same reason again is not said again. */
export function createTerminalSink(say: (line: string) => void): EventSink {
  let last: string | null = null;
  return {
    emit(event) {
      const line = lineOf(event);
      if (line === null || (line === last && event.event === 'migration' && event.what === 'claim-failed'))
        return;
      last = line;
      say(line);
    },
  };
}

function lineOf(event: GateEvent): string | null {
  if (event.event === 'server') return event.first ? firstOf(event) : null;
  if (event.event === 'operator') return operatorLine(event);
  if (event.event !== 'migration') return null;
  const sentence = SENTENCES[event.what] as ((event: MigrationEvent) => string) | undefined;
  return sentence === undefined ? null : `upgrade: ${event.what}: ${sentence(event)}`;
}

/** Every server is said once, so that one that never comes up is explained. */
function firstOf({ server, state, version, lastError }: ServerEvent): string {
  const why = lastError ? `: ${lastError}` : '';
  return `server ${server}: ${state}${version ? `, version ${version}` : ''}${why}`;
}

function operatorLine({ what, stage, by, reason, effect }: OperatorEvent): string {
  if (stage === 'refused') return `${what} by ${by}${reason && ` (${reason})`} refused: ${effect}`;
  return `${what} ${stage} by ${by}${reason && ` (${reason})`}: ${effect}`;
}
