/** Gates that disagree, so that what one of them admits another one refuses, and gates that admit nobody. */
import { compareVersions, tryParseVersion } from '../version/version.ts';
import type { Blocker } from './answers.ts';
import type { FleetFacts, FleetGate, StandingOrder } from './facts.ts';
import { lasting, listed, verb } from './sentences.ts';

/**
 * What operators ordered that keeps everybody out, gates that decide by another policy or catalogue than this one, and
 * those whose program is not the newest.
 */
export function gateBlockers(facts: Pick<FleetFacts, 'gates' | 'orders' | 'now'>): Blocker[] {
  const standing = (facts.orders ?? []).filter(({ until }) => until === null || until > facts.now);
  return [...standing.map((order) => ordered(order, facts.now)), ...disagreeing(facts)];
}

function ordered({ what, by, reason, until }: StandingOrder, now: number): Blocker {
  const why = reason === '' ? '' : `: ${reason}`;
  const rest = lasting(until, now);
  const who = ['operator'];
  return what === 'pause'
    ? {
        kind: 'paused',
        who,
        move: { side: 'operator', to: 'resume', who },
        message: `${by} has new clients wait${rest}${why}.`,
      }
    : {
        kind: 'gate-draining',
        who,
        move: { side: 'operator', to: 'undrain', who },
        message: `${by} drains this gate${rest}${why}.`,
      };
}

function disagreeing({ gates }: Pick<FleetFacts, 'gates'>): Blocker[] {
  const self = gates.find(({ isSelf }) => isSelf) ?? gates[0];
  if (self === undefined) return [];
  const others = gates.filter((gate) => gate !== self);
  const catalogue = others.filter(({ catalogueHash }) => catalogueHash !== self.catalogueHash);
  // A policy contains its catalogue: of gates that differ in that one, nothing more is known.
  const policy = others.filter(
    ({ catalogueHash, policyHash }) => catalogueHash === self.catalogueHash && policyHash !== self.policyHash,
  );
  return [
    ...apart('policy', policy, self, ({ policyHash }) => policyHash),
    ...apart('catalogue', catalogue, self, ({ catalogueHash }) => catalogueHash),
    ...olderPrograms(gates),
  ];
}

function apart(
  what: 'policy' | 'catalogue',
  differing: readonly FleetGate[],
  self: FleetGate,
  hashOf: (gate: FleetGate) => string,
): Blocker[] {
  if (differing.length === 0) return [];
  const who = differing.map(({ id }) => id);
  const hashes = [...new Set(differing.map(hashOf))];
  const message = `${listed(who)} ${verb(who, 'decides', 'decide')} by another ${what} (${listed(hashes)}) than ${self.id} (${hashOf(self)}).`;
  const move = { side: 'operator', to: `give all gates the same ${what}`, who } as const;
  return [{ kind: `gates-${what}`, who, move, message }];
}

function olderPrograms(gates: readonly FleetGate[]): Blocker[] {
  const programs = [...new Set(gates.map(({ program }) => program))].toSorted((a, b) => {
    const [one, other] = [tryParseVersion(a), tryParseVersion(b)];
    return (one && other && compareVersions(one, other)) || (a < b ? -1 : 1);
  });
  const newest = programs.at(-1);
  const behind = gates.filter(({ program }) => program !== newest);
  if (newest === undefined || behind.length === 0) return [];
  const who = behind.map(({ id }) => id);
  const theirs = listed([...new Set(behind.map(({ program }) => program))]);
  return [
    {
      kind: 'gates-program',
      who,
      move: { side: 'operator', to: `run skewgate ${newest} on all gates`, who },
      message: `${listed(who)} ${verb(who, 'runs', 'run')} skewgate ${theirs}, others ${newest}.`,
    },
  ];
}
