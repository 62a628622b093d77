/**
 * Where a client's token comes from. Stated in code or in the URL it counts before a file, and a file before the
 * environment. Nothing that is thrown here quotes it.
 */
import { requireSecretFile } from '../transport/secret-file.ts';
import { requireToken } from '../wire/token.ts';
import { type Target, UrlError } from './url.ts';

/** The variable that a client's token is taken from; `SKEWGATE_TOKEN` is what hooks and operators have. */
export const TOKEN_VARIABLE = 'SKEWGATE_CLIENT_TOKEN';

/**
 * The token of a client; undefined: it has none.
 * @param stated by the program itself
 * @throws {UrlError} if it is none, or its file can't be read or may be read by others
 */
export function tokenOf(
  { hello, tokenFile }: Target,
  stated: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const token =
    stated ??
    hello.token ??
    (tokenFile === undefined ? environment[TOKEN_VARIABLE] || undefined : read(tokenFile));
  if (token !== undefined) check(token);
  return token;
}

function read(file: string): string {
  try {
    return requireSecretFile(file);
  } catch (error) {
    throw new UrlError(`tokenFile: ${(error as Error).message}`);
  }
}

function check(token: string): void {
  try {
    requireToken(token);
  } catch (error) {
    throw new UrlError((error as Error).message);
  }
}
