/** What a scenario says that no schema can judge: names of things that are not there, versions nobody has. */
import { parseLedgerAddress } from '../migration/ledger/registry.ts';
import type { Expectation, Scenario, Step } from './scenario.ts';

/** The ledger as an end of a link that can be cut. */
export const LEDGER = 'ledger';
/** One way, where a scenario states none, ms. */
export const LATENCY = 1;

export interface ScenarioProblem {
  readonly path: ReadonlyArray<string | number>;
  readonly message: string;
}

type Path = ScenarioProblem['path'];

export function validateScenario(scenario: Scenario): ScenarioProblem[] {
  const names = namesOf(scenario);
  const versions = new Set([
    ...scenario.clients.map((group) => group.version),
    ...scenario.steps.flatMap(({ change }) => change?.to ?? []),
  ]);
  return [
    ...fleetMistakes(scenario),
    ...scenario.steps.flatMap((step, at) => [
      ...stepMistakes(step, ['steps', at], names),
      ...expectMistakes(step.expect, ['steps', at, 'expect'], versions),
    ]),
    ...expectMistakes(scenario.expect, ['expect'], versions),
  ];
}

/** Of what is there, whatever is done to it. */
export function fleetMistakes(scenario: Omit<Scenario, 'name' | 'steps' | 'expect'>): ScenarioProblem[] {
  const ranges: ScenarioProblem = {
    path: ['policy', 'preset'],
    message: 'goes by protocol versions, which a scenario can not state',
  };
  return [
    ...groupMistakes(scenario, namesOf(scenario)),
    ...(scenario.policy.preset === 'ranges' ? [ranges] : []),
  ];
}

interface Names {
  readonly groups: readonly string[];
  readonly servers: readonly string[];
  readonly gates: readonly string[];
}

type Nodes = Pick<Scenario, 'clients' | 'servers' | 'gates'>;

function namesOf({ clients, servers, gates }: Nodes): Names {
  const numbered = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
  return {
    groups: clients.map(({ name }) => name),
    servers: numbered('rs', servers.count),
    gates: numbered('gate', gates),
  };
}

function groupMistakes({ clients }: Nodes, { groups, servers, gates }: Names): ScenarioProblem[] {
  return clients.flatMap(({ name }, at) => {
    const path: Path = ['clients', at, 'name'];
    if (groups.indexOf(name) < at) return [{ path, message: `a second group ${JSON.stringify(name)}` }];
    if ([...servers, ...gates].includes(name)) return [{ path, message: `${name} is a name of this fleet` }];
    return [];
  });
}

function stepMistakes(step: Step, at: Path, { groups, servers, gates }: Names): ScenarioProblem[] {
  const known = (
    path: Path,
    name: string | undefined,
    what: string,
    names: readonly string[],
  ): ScenarioProblem[] =>
    name === undefined || names.includes(name)
      ? []
      : [
          {
            path: [...at, ...path],
            message: `there is no ${what} ${JSON.stringify(name)}: ${listed(names)}`,
          },
        ];
  const nodes = [...servers, ...gates];
  return [
    ...(['connect', 'arrive', 'disconnect'] as const).flatMap((key) =>
      known([key], step[key], 'client group', groups),
    ),
    ...known(['change', 'group'], step.change?.group, 'client group', groups),
    ...(step.roll?.servers ?? []).flatMap((id, place) =>
      known(['roll', 'servers', place], id, 'server', servers),
    ),
    ...(['restart', 'kill', 'start', 'pause', 'resume'] as const).flatMap((key) =>
      known([key], step[key], 'server or gate', nodes),
    ),
    ...(['cut', 'heal'] as const).flatMap((key) =>
      [0, 1].flatMap((end) => known([key, end], step[key]?.[end], 'server or gate', [...nodes, LEDGER])),
    ),
    ...(['cut', 'heal'] as const).flatMap((key) => linkMistakes(step[key], [...at, key], gates, nodes)),
  ];
}

/** Nothing passes between two servers, or two gates: cutting them would change nothing. */
function linkMistakes(
  ends: readonly [string, string] | undefined,
  path: Path,
  gates: readonly string[],
  nodes: readonly string[],
): ScenarioProblem[] {
  if (ends === undefined || !ends.every((end) => end === LEDGER || nodes.includes(end))) return [];
  if (ends.filter((end) => gates.includes(end)).length === 1) return [];
  const message = `there is no link between ${ends.join(' and ')}: one end is a gate, the other a server or the ledger`;
  return [{ path, message }];
}

/** A count for a version that no client of the scenario ever has is a slip of the pen, not an expectation. */
function expectMistakes(
  expect: Expectation | undefined,
  at: Path,
  versions: ReadonlySet<string>,
): ScenarioProblem[] {
  const stray = (counts: unknown, path: Path): ScenarioProblem[] =>
    typeof counts !== 'object' || counts === null
      ? []
      : Object.keys(counts)
          .filter((version) => !versions.has(version))
          .map((version) => ({
            path: [...at, ...path, version],
            message: `no client is ever on ${version}: ${listed([...versions])}`,
          }));
  const { admitted, refused } = expect ?? {};
  return [
    ...stray(admitted, ['admitted']),
    ...(typeof refused === 'object'
      ? Object.entries(refused).flatMap(([code, counts]) => stray(counts, ['refused', code]))
      : []),
  ];
}

const SHOWN = 10;

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'there is none';
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** Fields that only real processes can honour. */
export function needsReal({ steps, migration, catalogue, servers, clients }: Scenario): string[] {
  const hooks = {
    'migration.hook': 'server' in migration.hook ? undefined : migration.hook,
    'migration.check': migration.check,
    'migration.snapshot': migration.snapshot,
    'migration.restore': migration.restore,
    ...Object.fromEntries(
      Object.entries(migration.hooks).map(([version, hook]) => [`migration.hooks.${version}`, hook]),
    ),
  };
  return [
    ...(servers.command === undefined ? [] : ['servers.command']),
    ...clients.flatMap(({ command }, at) => (command === undefined ? [] : [`clients[${at}].command`])),
    ...Object.entries(hooks).flatMap(([field, hook]) => (hook === undefined ? [] : [field])),
    ...(catalogue?.releases ?? []).flatMap(({ major }, at) =>
      major?.script === undefined ? [] : [`catalogue.releases[${at}].major.script`],
    ),
    ...steps.flatMap(({ run }, at) => (run === undefined ? [] : [`steps[${at}].run`])),
  ];
}

/** Fields that only virtual time can honour. */
export function needsVirtual({ fault, network, expect, steps, migration }: Scenario): string[] {
  const remote = parseLedgerAddress(migration.ledger).kind.shared === 'network';
  return [
    ...(fault === undefined ? [] : ['fault']),
    ...(network.loss > 0 ? ['network.loss'] : []),
    ...(network.latency !== LATENCY ? ['network.latency'] : []),
    ...steps.flatMap(({ cut }, at) => (cut?.includes(LEDGER) && !remote ? [`steps[${at}].cut`] : [])),
    ...(expect?.invariants === undefined ? [] : ['expect.invariants']),
  ];
}
