/**
 * Small scenarios that have to come out the same on virtual time and on real processes. Each says what is expected.
 * What happens soon or late is waited for with `until`; where a gate has to have noticed something that shows nowhere,
 * a wait is many times what that takes.
 */
import { parseScenario, type Scenario } from '../../../src/fleet/scenario.ts';

const BRISK = 'timeouts: { probe: 200ms, hold: 1s, fresh: 0ms }';

const TEXTS: Readonly<Record<string, string>> = {
  'a rolling minor upgrade, and the one upgrade of the tables that it brings': `
    gates: 2
    servers: { count: 2, version: 4.13.0, tables: 4.13.0, upgradeTime: 200ms }
    clients:
      - { name: old, version: 4.13.0, count: 3 }
      - { name: early, version: 4.14.0, count: 2 }
    ${BRISK}
    steps:
      - connect: old
      - connect: early
      - disconnect: old
      - roll: { to: 4.14.0, pause: 0s, health: 10s }
      - connect: old
      - connect: early
      - until: { sessions: 5, upgrades: [28], within: 30s }
    expect:
      admitted: { 4.13.0: 6, 4.14.0: 2 }
      refused: { SERVER_OUTDATED: { 4.14.0: 2 } }
      upgrades: [28]
      level: 28
      sessions: 5
      dropped: 0`,
  'a server that is killed drops its sessions, and others serve': `
    servers: { count: 2, version: 4.14.0 }
    clients: [{ name: app, version: 4.14.0, count: 4 }, { name: late, version: 4.14.0, count: 2 }]
    ${BRISK}
    steps:
      - connect: app
      - kill: rs1
      - until: { dropped: 2, within: 30s }
      - connect: late
      - until: { sessions: 4, within: 30s }
      - start: rs1
      - connect: app
      - until: { sessions: 6, admitted: 10, within: 30s }
    expect: { decisions: { PERMITTED: 10 }, dropped: 2, lost: 0 }`,
  'a link that is cut, and one that is healed': `
    servers: { count: 1, version: 4.14.0 }
    clients: [{ name: app, version: 4.14.0 }, { name: late, version: 4.14.0 }]
    ${BRISK}
    steps:
      - connect: app
      - cut: [gate1, rs1]
      - until: { dropped: 1, within: 30s }
      - connect: late
      - until: { refused: { NO_SERVER: 1 }, within: 30s }
      - heal: [rs1, gate1]
      - connect: late
      - until: { sessions: 1, within: 30s }
    expect: { admitted: 2, refused: { NO_SERVER: 1 }, dropped: 1, sessions: 1 }`,
  'the gate that runs the upgrade is killed, and the other one ends it': `
    gates: 2
    servers: { count: 1, version: 4.14.0, tables: 4.13.0, upgradeTime: 4s }
    clients: [{ name: first, version: 4.14.0 }, { name: second, version: 4.14.1 }]
    migration: { lease: 1s }
    ${BRISK}
    steps:
      - connect: first
      - connect: second
      - kill: gate1
      - until: { upgrades: [28], admitted: 2, within: 60s }
      - start: gate1
    expect: { admitted: { 4.14.0: 1, 4.14.1: 1 }, refused: 0, upgrades: [28], level: 28, lost: 0 }`,
  'a gate that restarts in order lets sessions end, one that is killed does not': `
    servers: { count: 1, version: 4.14.0 }
    clients: [{ name: brief, version: 4.14.0, stay: 2s }, { name: long, version: 4.14.0 }]
    timeouts: { probe: 200ms, hold: 1s, fresh: 0ms, drain: 20s }
    steps:
      - connect: brief
      - restart: gate1
      - expect: { dropped: 0, sessions: 0, admitted: 1 }
      - connect: long
      - until: { sessions: 1, admitted: 2, within: 30s }
      - kill: gate1
      - until: { dropped: 1, within: 30s }
      - start: gate1
    expect: { admitted: 2, dropped: 1, lost: 0 }`,
  'a server that stands still holds up nobody for whom there is another': `
    servers: { count: 2, version: 4.14.0 }
    clients: [{ name: app, version: 4.14.0, count: 2 }]
    timeouts: { probe: 200ms, hold: 5s, dial: 500ms }
    steps:
      - pause: rs2
      - wait: 3s
      - connect: app
      - until: { admitted: 2, within: 30s }
      - resume: rs2
      - wait: 2s
    expect: { admitted: 2, refused: 0, lost: 0, dropped: 0 }`,
  'an operator blocks the upgrade, then lets it go': `
    servers: { count: 1, version: 4.14.0, tables: 4.13.0, upgradeTime: 100ms }
    clients: [{ name: app, version: 4.14.0 }]
    ${BRISK}
    steps:
      - operator: block
      - wait: 3s
      - connect: app
      - until: { refused: { UPGRADE_BLOCKED: 1 }, within: 30s }
      - operator: unblock
      - wait: 3s
      - connect: app
      - until: { upgrades: [28], sessions: 1, within: 30s }
    expect: { decisions: { UPGRADE_BLOCKED: 1, PERMITTED: 1 }, upgrades: [28] }`,
};

export const SCENARIOS: ReadonlyArray<readonly [name: string, scenario: Scenario]> = Object.entries(
  TEXTS,
).map(([name, text]) => [
  name,
  parseScenario(`name: ${JSON.stringify(name)}\n${text.replaceAll(/^ {4}/gm, '')}`, name),
]);
