/** Who acts, for the record, unless `--by` says it. */
import { userInfo } from 'node:os';

/** A container's user may have a number and no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? '?'}`;
  }
}
