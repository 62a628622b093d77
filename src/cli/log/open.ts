/** The logs that a command line names: files, with those of workers beside them, and standard input. */
import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import path from 'node:path';
import { workerLog } from '../../workers/worker-config.ts';
import { Source } from './sources.ts';

/**
 * Opens each of them once.
 * @param follows whether a last line may still be being written
 * @throws {UsageError} if there is no such file
 */
export async function openLogs(files: readonly string[], follows: boolean): Promise<Source[]> {
  const sources: Source[] = [];
  const seen = new Set<string>();
  for (const file of await Promise.all(files.map(withWorkers)).then((all) => all.flat())) {
    const source = await Source.open(file, seen, follows);
    if (source !== null) sources.push(source);
  }
  return sources;
}

/** The log of a gate with several workers is a file for each, and goes by the name that the config gives it. */
async function withWorkers(file: string): Promise<string[]> {
  if (file === '-' || existsSync(file)) return [file];
  const { dir, base } = path.parse(workerLog(file, '*'));
  const found: string[] = [];
  for await (const name of glob(base, { cwd: dir || '.' })) found.push(path.join(dir, name));
  return found.length === 0 ? [file] : found.sort();
}

/** Says how many lines were no records; a command that found no record at all has failed. */
export function sayOthers(sources: readonly Source[]): void {
  for (const { name, others } of sources)
    if (others > 0)
      console.error(
        others === 1
          ? `skewgate: 1 line of ${name} is no record and was passed over`
          : `skewgate: ${others} lines of ${name} are no records and were passed over`,
      );
  if (sources.some(({ others }) => others > 0) && sources.every(({ records }) => records === 0))
    process.exitCode = 1;
}
