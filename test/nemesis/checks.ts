/** What must hold of every schedule, whatever it did: each check returns what it found wrong. */
import { faultsOf } from '../support/check-history.ts';
import { FROM_LEVEL, TO_LEVEL } from './fleet.ts';
import type { Answer, Evidence } from './play.ts';

/** A connection made just before or after its gate went away may be lost with it, ms. */
const MARGIN = 500;

export function findFaults(evidence: Evidence): string[] {
  return [
    ...(evidence.stuck === null ? [] : [evidence.stuck]),
    // A ledger that was lost may begin in the middle of an upgrade.
    ...(evidence.schedule.loses ? [] : faultsOf(evidence.history).map((fault) => `history: ${fault}`)),
    ...completions(evidence),
    ...tokens(evidence),
    ...runs(evidence),
    ...unanswered(evidence),
  ];
}

/** The step to the new level is recorded as complete once, and the servers completed it once. */
function completions({ history, completed, schedule }: Evidence): string[] {
  const done = history.filter(({ what, toLevel }) => what === 'step-done' && toLevel === TO_LEVEL);
  const faults = done.length > 1 ? [`the step to level ${TO_LEVEL} is recorded ${done.length} times`] : [];
  if (schedule.hook === 'server' && completed.filter((level) => level === TO_LEVEL).length > 1)
    faults.push(`servers completed the step ${completed.length} times`);
  return faults;
}

/** No token is given twice: neither by the ledger nor to the hook. */
function tokens({ history, work }: Evidence): string[] {
  const given = history.filter(({ what }) => what === 'planned').map(({ token }) => token ?? 0);
  const begun = work.filter(({ what }) => what === 'begin').map(({ token }) => token);
  return [
    ...(new Set(given).size < given.length ? [`tokens were given twice: ${given.join(' ')}`] : []),
    ...(new Set(begun).size < begun.length ? [`hooks began twice under a token: ${begun.join(' ')}`] : []),
    ...(begun.some((token, at) => token < (begun[at - 1] ?? 0))
      ? [`a hook began under an older token: ${begun.join(' ')}`]
      : []),
  ];
}

/** One run at a time, all under one key, and none once the tables have the new level. */
function runs({ work }: Evidence): string[] {
  const keys = new Set(work.map(({ key }) => key));
  return [
    ...work
      .filter(({ what }) => what === 'overlap')
      .map(({ token }) => `token ${token} ran beside another run`),
    ...work
      .filter(({ what }) => what === 'late')
      .map(({ token }) => `token ${token} ran although the tables had left level ${FROM_LEVEL}`),
    ...(keys.size > 1 ? [`the step had several keys: ${[...keys].join(' ')}`] : []),
  ];
}

/** Who came to a gate that was there all the time was admitted or refused, and told so. */
function unanswered({ answers, away }: Evidence): string[] {
  return answers
    .filter((answer) => answer.outcome === 'lost' && !isExcused(answer, away[answer.gate] ?? []))
    .map(({ client, gate, error }) => `client ${client} got no answer of gate ${gate + 1}: ${error}`);
}

function isExcused({ from, until }: Answer, away: Evidence['away'][number]): boolean {
  return away.some((time) => time.from < until + MARGIN && from - MARGIN < time.until);
}
