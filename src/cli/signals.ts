/** The signals by which a gate is changed while it runs, as daemons know them. */
import type { DecisionLog } from '../decision/record.ts';
import type { Reload } from '../gateway/reload.ts';
import type { Notifier } from './systemd.ts';

/** What signals ask for. */
export interface SignalActs {
  /** SIGHUP. */
  readonly hangUp: () => void;
  /** SIGUSR2. */
  readonly reopenLog: () => void;
}

/** Listens until it is told to stop; without that, either signal would end the process. */
export function onSignals({ hangUp, reopenLog }: SignalActs): { stop(): void } {
  process.on('SIGHUP', hangUp);
  process.on('SIGUSR2', reopenLog);
  return {
    stop() {
      process.off('SIGHUP', hangUp);
      process.off('SIGUSR2', reopenLog);
    },
  };
}

/** The reload that nobody gave a reason for. @param systemd is told how long it takes */
export function reloadBySignal(reload: Reload, systemd?: Notifier): void {
  const result = reload({ by: 'SIGHUP', reason: '' });
  void systemd?.reloading(result);
}

/** Goes on with a new file where somebody has moved the one that is open. */
export function reopenLog(log: DecisionLog, say: (line: string) => void): void {
  if (log.reopen === undefined) return say('SIGUSR2: the decision log is no file that could be opened again');
  try {
    log.reopen().commit();
    say('SIGUSR2: the decision log was opened again');
  } catch (error) {
    say(
      `SIGUSR2: the decision log could not be opened again, and goes on as it is: ${(error as Error).message}`,
    );
  }
}
