/** The command line: usage errors end with status 2, and say what would have been right. */
import { CommanderError } from 'commander';
import { programVersion } from './package-version.ts';
import { createProgram } from './program.ts';

process.title = ['skewgate', ...process.argv.slice(2)].join(' ');

// A reader that went away (`| head`) is no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await (await createProgram(programVersion(), process.argv.slice(2))).parseAsync();
} catch (error) {
  process.exitCode = await statusOf(error);
}

async function statusOf(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return (await import('./status.ts')).report(error);
}
