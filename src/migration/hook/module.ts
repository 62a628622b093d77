/** A function as a hook: the default export of a JavaScript or TypeScript module, called with facts and context. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Hook, type HookContext, HookError, type HookFacts } from './hook.ts';

/** May return, or resolve to, `{ level }`: where the tables are now. Throwing means that the step failed. */
export type HookFunction = (facts: HookFacts, context: Pick<HookContext, 'signal' | 'progress'>) => unknown;

/** @param file relative to `folder`. */
export function createModuleHook(file: string, folder: string): Hook {
  return {
    name: file,
    async run(facts, { signal, progress }) {
      const run = await load(path.resolve(folder, file));
      if (signal.aborted) throw new HookError(`${file}: stopped before it began`);
      const stopped = Promise.withResolvers<never>();
      const stop = () => stopped.reject(new HookError(`${file} was stopped`));
      signal.addEventListener('abort', stop);
      try {
        const result = await Promise.race([run(facts, { signal, progress }), stopped.promise]);
        const level = (result as { level?: unknown } | null | undefined)?.level;
        return { level: typeof level === 'number' ? level : null };
      } catch (error) {
        throw error instanceof HookError
          ? error
          : new HookError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
              cause: error,
            });
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

async function load(file: string): Promise<HookFunction> {
  const loaded = (await import(pathToFileURL(file).href).catch((error) => {
    throw new HookError(`${file}: ${error.message}`, { cause: error });
  })) as { default?: unknown };
  if (typeof loaded.default !== 'function')
    throw new HookError(`${file} has no function as its default export`);
  return loaded.default as HookFunction;
}
