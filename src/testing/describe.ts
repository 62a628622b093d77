/** A decision in plain text, for messages of failing tests. */
import type { ReceivedDecision } from '../policy/types.ts';

type Described = Pick<ReceivedDecision, 'verdict' | 'code' | 'rule' | 'client' | 'message'>;

/** One line. */
export function describeDecision({ verdict, code, rule, client, message }: Described): string {
  return `${client ?? 'a client'}: ${verdict} ${code} (rule ${rule}): ${message}`;
}

/** All that led to it: the sentence, who must move, the servers it was about, every rule looked at. */
export function explainDecision(decision: ReceivedDecision): string {
  const { move, observed, trace } = decision;
  return [
    describeDecision(decision),
    `who must move: ${move === null ? 'nobody' : `${move.side} to ${move.to} (${move.who.join(', ')})`}`,
    ...(observed.oldest === null
      ? []
      : [
          `cluster: oldest ${observed.oldest}, newest ${observed.newest}, system tables at level ${observed.level ?? 'unknown'}`,
        ]),
    'rules looked at:',
    ...trace.map(({ rule, outcome, because }) => `  ${rule.padEnd(6)} ${outcome.padEnd(4)} ${because}`),
  ].join('\n');
}
