/** Whether SQLite says that another one has the file locked: SQLITE_BUSY (5), also in its extended forms. */
export function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === 5;
}
