/**
 * The commands, in the order in which help lists them. A command's module is loaded only when the command is
 * called, so that `--version`, `--help` and light commands do not wait for whole fleets to be read.
 */
import type { Command } from 'commander';

export interface RegisteredCommand {
  readonly name: string;
  /** A sentence for the list of commands; a command's own page may say more. */
  readonly summary: string;
  /** Loads the module that defines the command. */
  load(): Promise<(program: Command) => void>;
}

export const COMMANDS: readonly RegisteredCommand[] = [
  {
    name: 'serve',
    summary: 'Run the gate.',
    load: async () => (await import('./commands/serve.ts')).addServe,
  },
  {
    name: 'check',
    summary: 'Check a config file.',
    load: async () => (await import('./commands/check.ts')).addCheck,
  },
  {
    name: 'explain',
    summary: 'Show what the policy decides for a client, and why.',
    load: async () => (await import('./commands/explain.ts')).addExplain,
  },
  {
    name: 'matrix',
    summary: 'Print which clients the servers of each release admit.',
    load: async () => (await import('./commands/matrix.ts')).addMatrix,
  },
  {
    name: 'pairs',
    summary: 'List the pairs of releases that a test fleet should cover.',
    load: async () => (await import('./commands/pairs.ts')).addPairs,
  },
  {
    name: 'plan',
    summary: 'Print the steps that upgrade the system tables.',
    load: async () => (await import('./commands/plan.ts')).addPlan,
  },
  {
    name: 'connect',
    summary: 'Connect through a gate as a client.',
    load: async () => (await import('./commands/connect.ts')).addConnect,
  },
  {
    name: 'token',
    summary: 'Make a token for a client, and its hash for the config.',
    load: async () => (await import('./commands/token.ts')).addToken,
  },
  {
    name: 'server',
    summary: 'Run a simulated server.',
    load: async () => (await import('./commands/server.ts')).addServer,
  },
  {
    name: 'test',
    summary: 'Run scenarios of mixed-version fleets, and check them.',
    load: async () => (await import('./commands/test.ts')).addTest,
  },
  {
    name: 'explore',
    summary: 'Run random plans, and check the invariants.',
    load: async () => (await import('./commands/explore.ts')).addExplore,
  },
  {
    name: 'log',
    summary: 'Read decision logs: records, counts, a summary or a page.',
    load: async () => (await import('./commands/log.ts')).addLog,
  },
  {
    name: 'next',
    summary: 'Show what blocks the next step, and who is turned away by it.',
    load: async () => (await import('./commands/next.ts')).addNext,
  },
  {
    name: 'what-if',
    summary: 'Show whom a change of servers or policy would refuse.',
    load: async () => (await import('./commands/what-if.ts')).addWhatIf,
  },
  {
    name: 'clients',
    summary: 'List the clients that there are, by release line.',
    load: async () => (await import('./commands/clients.ts')).addClients,
  },
  {
    name: 'status',
    summary: 'Show a gate that runs: servers, upgrade, orders, gates.',
    load: async () => (await import('./commands/status.ts')).addStatus,
  },
  {
    name: 'sessions',
    summary: 'List the open sessions of a gate that runs.',
    load: async () => (await import('./commands/sessions.ts')).addSessions,
  },
  {
    name: 'pause',
    summary: 'Let new clients of a gate wait.',
    load: async () => (await import('./commands/verbs.ts')).addPause,
  },
  {
    name: 'resume',
    summary: 'Admit clients again.',
    load: async () => (await import('./commands/verbs.ts')).addResume,
  },
  {
    name: 'drain',
    summary: 'Take nothing new, and let sessions end.',
    load: async () => (await import('./commands/verbs.ts')).addDrain,
  },
  {
    name: 'undrain',
    summary: 'Take back drains.',
    load: async () => (await import('./commands/verbs.ts')).addUndrain,
  },
  {
    name: 'kick',
    summary: 'Close a session.',
    load: async () => (await import('./commands/verbs.ts')).addKick,
  },
  {
    name: 'reload',
    summary: 'Have a gate read its config again.',
    load: async () => (await import('./commands/verbs.ts')).addReload,
  },
  {
    name: 'migration',
    summary: 'Show and control the one-time upgrade of the system tables.',
    load: async () => (await import('./commands/migration.ts')).addMigration,
  },
  {
    name: 'completion',
    summary: 'Print a completion script for bash, zsh or fish.',
    load: async () => (await import('./commands/completion.ts')).addCompletion,
  },
];
