/** Which releases a filter means. */

/** Whether `version` is `wanted`, or one of its line: `4.14` means `4.14.1` and `4.14.0-HBase-1.4`, and not `4.140.0`. */
export function isRelease(version: string, wanted: string): boolean {
  return version === wanted || (version.startsWith(wanted) && /^[.+-]/.test(version.slice(wanted.length)));
}
