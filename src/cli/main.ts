/** The command line: usage errors end with status 2, and say what would have been right. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UrlError } from '../client/url.ts';
import { ConfigError } from '../config/load.ts';
import { SetupError } from '../gateway/migrator.ts';
import { HookError } from '../migration/hook/hook.ts';
import { VersionError } from '../version/version.ts';
import { addCheck } from './commands/check.ts';
import { addConnect } from './commands/connect.ts';
import { addExplain } from './commands/explain.ts';
import { addExplore } from './commands/explore.ts';
import { addLog } from './commands/log.ts';
import { addMatrix } from './commands/matrix.ts';
import { addMigration } from './commands/migration.ts';
import { addPairs } from './commands/pairs.ts';
import { addPlan } from './commands/plan.ts';
import { addServe } from './commands/serve.ts';
import { addServer } from './commands/server.ts';
import { addTest } from './commands/test.ts';
import { UsageError } from './usage.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('skewgate')
  .description('A version-aware proxy for fleets in the middle of an upgrade')
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(skewgate --help, or skewgate COMMAND --help, lists what there is)')
  .exitOverride();

for (const add of [
  addServe,
  addCheck,
  addExplain,
  addMatrix,
  addPairs,
  addPlan,
  addConnect,
  addServer,
  addTest,
  addExplore,
  addLog,
  addMigration,
])
  add(program);
for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);

// A reader that went away (`| head`) is no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (
    error instanceof UsageError ||
    error instanceof ConfigError ||
    error instanceof SetupError ||
    error instanceof HookError ||
    error instanceof VersionError ||
    error instanceof UrlError
  ) {
    console.error(`skewgate: ${error.message}`);
    return 2;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  console.error(`skewgate: ${code === 'EADDRINUSE' ? `${message}: another program listens there` : message}`);
  return 1;
}
