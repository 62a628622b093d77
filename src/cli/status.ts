/** What an error of a command means to whoever called it. Loaded only when there is one. */
import { UrlError } from '../client/url.ts';
import { ConfigError } from '../config/load.ts';
import { SetupError } from '../gateway/build-migration.ts';
import { HookError } from '../migration/hook/hook.ts';
import { VersionError } from '../version/version.ts';
import { UsageError } from './usage.ts';

/** Errors of whoever wrote the command line or a file that it names. */
const USAGE_ERRORS = [UsageError, ConfigError, SetupError, HookError, VersionError, UrlError];

/**
 * Says what is wrong and returns the exit status: 2 for wrong usage, 1 for what the system refused.
 *
 * @throws `error` itself if it is neither: that is a defect of the program, and its stack says where.
 */
export function report(error: unknown): number {
  if (USAGE_ERRORS.some((kind) => error instanceof kind)) {
    console.error(`skewgate: ${(error as Error).message}`);
    return 2;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  console.error(`skewgate: ${code === 'EADDRINUSE' ? `${message}: another program listens there` : message}`);
  return 1;
}
