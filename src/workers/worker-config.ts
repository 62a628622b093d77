/** The config of one worker: that of the gate, with what each process has to have of its own. */
import os from 'node:os';
import path from 'node:path';
import type { Config } from '../config/schema.ts';

/**
 * Each worker has an id of its own, since it holds claims and speaks to servers as a gate does, and a log of its own,
 * since a file that is rotated has one writer.
 * @param worker its number, from 1 on
 * @param supervisor the process id by which a gate without an `id` goes
 * @param addresses what is bound already, in the order of the config; null: this is the first, or a new address
 */
export function workerConfig(
  config: Config,
  worker: number,
  supervisor: number,
  addresses: readonly (string | null)[] | null,
): Config {
  const { id = `${os.hostname()}:${supervisor}`, log } = config;
  return {
    ...config,
    id: `${id}/${worker}`,
    log: log.file === undefined ? log : { ...log, file: workerLog(log.file, worker) },
    listen: config.listen.map((entry, at) => boundTo(entry, addresses?.[at])),
  };
}

/** The log of a worker, beside where the gate's would be: `decisions.worker-2.ndjson`. */
export function workerLog(file: string, worker: number | '*'): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}.worker-${worker}${ext}`);
}

function boundTo(
  entry: Config['listen'][number],
  address: string | null | undefined,
): Config['listen'][number] {
  if (address == null) return entry;
  const bound = address.slice(address.indexOf('://') + 3);
  return entry.tcp === undefined ? { ...entry, ws: bound } : { ...entry, tcp: bound };
}
