/** A function as a hook, from TypeScript and from JavaScript. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createModuleHook } from '../../../src/migration/hook/module.ts';
import { tempFolder } from '../../support/folder.ts';
import {
  type Behaviour,
  COMPLAINT,
  FACTS,
  failureOf,
  type HookBench,
  hookContract,
  Told,
} from '../hook-contract.ts';

const BODIES: Readonly<Record<Behaviour['does'], string>> = {
  works: 'context.progress({ done: 0.5, text: "half" }); return { level: facts.toLevel };',
  fails: `throw new Error(${JSON.stringify(COMPLAINT)});`,
  hangs: 'context.progress({ done: 0.4, text: "and no more" }); return new Promise(() => {});',
};

async function moduleBench(extension: 'ts' | 'js', { does }: Behaviour): Promise<HookBench> {
  const folder = mkdtempSync(path.join(tmpdir(), 'skewgate-hook-'));
  const types = extension === 'ts' ? [': { toLevel: number }', ': any'] : ['', ''];
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    path.join(folder, `upgrade.${extension}`),
    `export const begun = [];
     export default async function (facts${types[0]}, context${types[1]}) { begun.push(facts); ${BODIES[does]} }`,
  );
  const file = path.join(folder, `upgrade.${extension}`);
  const { begun } = await import(/* @vite-ignore */ file);
  return {
    hook: createModuleHook(`./upgrade.${extension}`, folder),
    begun: () => begun,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
    },
  };
}

hookContract('a TypeScript module', (behaviour) => moduleBench('ts', behaviour));
hookContract('a JavaScript module', (behaviour) => moduleBench('js', behaviour));

describe('a module', () => {
  const hookFrom = (text: string | null, name = 'upgrade.mjs') => {
    const folder = tempFolder();
    if (text !== null) writeFileSync(path.join(folder, name), text);
    return createModuleHook(name, folder);
  };

  test('gets all the facts, and answers with the level or with nothing', async () => {
    const told = new Told();
    const hook = hookFrom(
      `export default (facts, context) => {
         context.progress({ done: null, text: JSON.stringify(facts) });
         return { level: 28 };
       }`,
    );
    expect(await hook.run(FACTS, told)).toEqual({ level: 28 });
    expect(JSON.parse(told.heard[0]?.text ?? '')).toEqual(FACTS);
    expect(await hookFrom('export default () => {}').run(FACTS, new Told())).toEqual({ level: null });
    expect(await hookFrom('export default () => ({ level: "28" })').run(FACTS, new Told())).toEqual({
      level: null,
    });
  });

  test('sees the signal, so that it can stop its own work', async () => {
    const told = new Told();
    const hook = hookFrom(
      `export default (facts, { signal, progress }) => new Promise((resolve) => {
         signal.addEventListener('abort', () => { progress({ done: null, text: 'stopped itself' }); resolve(); });
         progress({ done: 0, text: 'began' });
       })`,
    );
    const run = failureOf(hook.run(FACTS, told));
    await told.until(() => told.heard.length === 1, 'the beginning');
    told.stopping.abort();
    await run;
    expect(told.heard.at(-1)?.text).toBe('stopped itself');
  });

  test.each([
    ['that is not there', null, /upgrade\.mjs/],
    ['that does not parse', 'export default (((', /upgrade\.mjs/],
    ['that throws when it is loaded', 'throw new Error("no database")', /no database/],
    ['without a default export', 'export const upgrade = () => {}', /no function as its default export/],
    ['whose default export is no function', 'export default { upgrade() {} }', /no function/],
    ['that throws no Error', 'export default () => { throw "sour" }', /upgrade\.mjs: sour/],
  ])('%s fails and says so', async (_what, text, why) => {
    const error = await failureOf(hookFrom(text).run(FACTS, new Told()));
    expect(error.message).toMatch(why);
  });
});
