/** A function as a hook: the default export of a JavaScript or TypeScript module, called with facts and context. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Hook, HookError, type HookFacts } from './hook.ts';
import { progressOf } from './lines.ts';

export interface ModuleContext {
  /** Aborts when nobody waits for it any more: what goes on then goes on unseen. */
  readonly signal: AbortSignal;
  /** A line such as `40% indexes`, a share from 0 to 1, or both. */
  readonly progress: (
    progress: string | number | { readonly done?: number | null; readonly text?: string },
  ) => void;
}

/** May return, or resolve to, `{ level }`: where the tables are now. Throwing means that the step failed. */
export type HookFunction = (facts: HookFacts, context: ModuleContext) => unknown;

/** @param file relative to `folder`. */
export function createModuleHook(file: string, folder: string): Hook {
  let loaded: Promise<HookFunction> | null = null;
  const loadOnce = () => (loaded ??= load(path.resolve(folder, file)));
  return {
    name: file,
    async prepare() {
      await loadOnce();
    },
    async run(facts, { signal, progress }) {
      const run = await loadOnce();
      if (signal.aborted) throw new HookError(`${file}: stopped before it began`);
      const stopped = Promise.withResolvers<never>();
      const stop = () => stopped.reject(new HookError(`${file} was stopped`));
      signal.addEventListener('abort', stop);
      try {
        const context: ModuleContext = { signal, progress: (told) => progress(progressOf(told)) };
        const result = await Promise.race([run(facts, context), stopped.promise]);
        const level = (result as { level?: unknown } | null | undefined)?.level;
        return { level: typeof level === 'number' ? level : null };
      } catch (error) {
        throw error instanceof HookError
          ? error
          : new HookError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
              said: true,
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
