/**
 * Has the kernel ask, after a minute of silence, whether the peer's machine is still there. To say so takes four system
 * calls; most connections of a gate that is busy with new ones are over before it could matter, and are spared them.
 */

/** Silence after which a peer is asked whether it is still there; ten times, a second apart (Node's own figures). */
export const KEEP_ALIVE_MS = 60_000;
/** A connection is told between one and two of these after it began, ms. */
const AGE_MS = 2_000;

/** A connection that can be told to keep itself alive. */
export interface Lasting {
  keepAlive(): void;
}

let young = new Set<Lasting>();
let older = new Set<Lasting>();
let timer: NodeJS.Timeout | null = null;

/** Tells the connection once it has lasted for some seconds. */
export function keepAliveIfLasting(connection: Lasting): void {
  young.add(connection);
  timer ??= setInterval(goOn, AGE_MS).unref();
}

/** It is over. */
export function forget(connection: Lasting): void {
  if (!young.delete(connection)) older.delete(connection);
}

function goOn(): void {
  const due = older;
  older = young;
  young = new Set();
  for (const connection of due) connection.keepAlive();
  if (older.size > 0 || timer === null) return;
  clearInterval(timer);
  timer = null;
}
