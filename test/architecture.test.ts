/**
 * Dependencies point inwards: version <- policy <- wire <- handshake <- ports <- transport <- backend <- cluster <- gateway.
 * The runtime (real and virtual time, real randomness, real sockets) is for the outer folders, which pass it in.
 * The pure core does no I/O: it imports nothing but itself and two packages, and names no clock and no socket.
 */
import { describe, expect, test } from 'vitest';
import { importsOf, readSources, resolveImport, type SourceFile } from './support/imports.ts';

/** What a folder (or one file) of src may import besides its own folder: other folders, packages; `*` for any package and Node's modules. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = (() => {
  const core = ['version', 'policy', 'wire', 'handshake'];
  const transport = [...core, 'ports', '*'];
  const ends = [...transport, 'transport'];
  const inner = [...ends, 'events', 'backend', 'cluster', 'decision'];
  return {
    version: [],
    policy: ['version'],
    wire: ['policy', 'version', 'zod', 'msgpackr'],
    handshake: ['wire', 'policy', 'version'],
    planning: ['policy', 'version'],
    ports: core,
    transport,
    runtime: ends,
    client: ends,
    server: ends,
    process: ['ports', '*'],
    backend: [...ends, 'process'],
    events: core,
    report: [],
    cluster: [...ends, 'events', 'backend'],
    frontend: ends,
    decision: [...ends, 'events'],
    migration: [...inner, 'process'],
    config: [...ends, 'backend', 'decision', 'frontend', 'migration', 'relay'],
    relay: [...ends, 'events', 'backend', 'frontend'],
    gateway: [...inner, 'migration', 'config', 'frontend', 'relay'],
    coordination: [...inner, 'migration', 'gateway'],
    workers: [...inner, 'config', 'gateway'],
    admin: [...inner, 'migration', 'config', 'gateway', 'coordination', 'planning', 'metrics'],
    metrics: [...inner, 'migration', 'gateway'],
    // Whole fleets: both ends and gates.
    fleet: [...inner, 'report', 'runtime', 'migration', 'config', 'gateway', 'client', 'server'],
    testing: [...inner, 'runtime', 'migration', 'config', 'gateway', 'client', 'server', 'fleet'],
  };
})();

const CORE = ['version', 'policy', 'wire', 'handshake', 'planning'];
const OUTERMOST = ['cli', 'index.ts'];
const IMPURE =
  /\b(?:process\.|console\.|Date\.now|new Date\b|Math\.random|performance\.|set(?:Timeout|Interval|Immediate)\b|fetch\()/;

const folderOf = (path: string) => path.split('/')[0] as string;

/** What is wrong with one import; null when it points inwards. */
function faultOf(from: string, specifier: string): string | null {
  const folder = folderOf(from);
  const target = resolveImport(from, specifier);
  const what = target === null ? specifier : folderOf(target);
  if (what === folder) return null;
  if (OUTERMOST.includes(what)) return `${from} imports ${specifier}: nothing may import ${what}`;
  if (OUTERMOST.includes(folder)) return null;
  const allowed = ALLOWED[from] ?? ALLOWED[folder];
  if (allowed === undefined) return `${from}: the folder ${folder} has no place in the order`;
  const fits = allowed.includes(what) || (target === null && allowed.includes('*'));
  return fits ? null : `${from} imports ${specifier}: ${folder} may not import ${what}`;
}

/** Rings of files that import each other, each as `a -> b -> a`. */
function ringsOf(files: readonly Pick<SourceFile, 'path' | 'imports'>[]): string[] {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => resolveImport(path, specifier)),
    ]),
  );
  const rings = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) rings.add([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (trail.includes(path) || done.has(path)) return;
    for (const next of edges.get(path) ?? []) if (next !== null) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return [...rings];
}

describe('src', () => {
  const sources = readSources();
  const core = sources.filter(({ path }) => CORE.includes(folderOf(path)));

  test('is read: files and imports are found', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(core.length).toBeGreaterThan(15);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
    for (const folder of CORE) expect(core.map(({ path }) => folderOf(path))).toContain(folder);
  });

  test('imports point inwards, and the core imports nothing but itself, zod and msgpackr', () => {
    const faults = sources.flatMap(({ path, imports }) =>
      imports.map(({ specifier }) => faultOf(path, specifier)).filter((fault) => fault !== null),
    );
    expect(faults).toEqual([]);
  });

  test('the core names no clock, randomness, console or process', () => {
    const impure = core.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, at) => (IMPURE.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
    );
    expect(impure).toEqual([]);
  });

  test('no files import each other in a ring', () => {
    expect(ringsOf(sources)).toEqual([]);
  });

  test('every relative import means a file that is there', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const missing = sources.flatMap(({ path, imports }) =>
      imports
        .map(({ specifier }) => resolveImport(path, specifier))
        .filter((target) => target !== null && !paths.has(target))
        .map((target) => `${path} imports ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the check itself notices', () => {
  test.each([
    ['policy/decide.ts', 'node:fs', 'policy may not import node:fs'],
    ['policy/decide.ts', 'pino', 'policy may not import pino'],
    ['policy/decide.ts', '../wire/frame.ts', 'policy may not import wire'],
    ['wire/frame.ts', '../transport/tcp.ts', 'wire may not import transport'],
    ['handshake/gate.ts', '../ports/clock.ts', 'handshake may not import ports'],
    ['handshake/gate.ts', 'ws', 'handshake may not import ws'],
    ['ports/clock.ts', 'node:timers', 'ports may not import node:timers'],
    ['ports/transport.ts', 'ws', 'ports may not import ws'],
    ['migration/planner.ts', '../config/schema.ts', 'migration may not import config'],
    ['server/server.ts', '../gateway/gate.ts', 'server may not import gateway'],
    ['fleet/run.ts', '../testing/fleet.ts', 'fleet may not import testing'],
    ['cluster/cluster.ts', '../gateway/gate.ts', 'cluster may not import gateway'],
    ['gateway/gate.ts', '../runtime/clock.ts', 'gateway may not import runtime'],
    ['transport/tcp.ts', '../cluster/cluster.ts', 'transport may not import cluster'],
    ['gateway/gate.ts', '../cli/print.ts', 'nothing may import cli'],
    ['client/connect.ts', '../index.ts', 'nothing may import index.ts'],
    ['novelty/first.ts', '../version/version.ts', 'the folder novelty has no place in the order'],
  ])('%s importing %s', (from, specifier, fault) => {
    expect(faultOf(from, specifier)).toContain(fault);
  });

  test.each([
    ['policy/decide.ts', './types.ts'],
    ['policy/decide.ts', '../version/version.ts'],
    ['wire/messages.ts', 'zod'],
    ['transport/tcp.ts', 'node:net'],
    ['cli/commands/serve.ts', '../../gateway/build.ts'],
    ['cli/main.ts', 'commander'],
    ['index.ts', './client/connect.ts'],
  ])('but not %s importing %s', (from, specifier) => {
    expect(faultOf(from, specifier)).toBeNull();
  });

  test('every way to write an import', () => {
    const text = [
      "import './a.ts';",
      "import b from './b.ts';",
      "import type { C } from './c.ts';",
      "import {\n  type D,\n  d,\n} from './d.ts';",
      "export { e } from './e.ts';",
      "export type { F } from './f.ts';",
      "export * from './g.ts';",
      "const h = await import('./h.ts');",
      "const i = require('./i.ts');",
      "const text = 'from nowhere';",
      "export const from = 'nothing';",
    ].join('\n');
    expect(importsOf(text).map(({ specifier }) => specifier)).toEqual(
      [...'abcdefghi'].map((name) => `./${name}.ts`),
    );
    const types = importsOf(text).filter(({ typeOnly }) => typeOnly);
    expect(types.map(({ specifier }) => specifier)).toEqual(['./c.ts', './f.ts']);
  });

  test('a ring of files, unless it is of types only', () => {
    const file = (path: string, specifier: string, typeOnly = false) => ({
      path,
      imports: [{ specifier, typeOnly }],
    });
    expect(
      ringsOf([file('a/x.ts', './y.ts'), file('a/y.ts', '../b/z.ts'), file('b/z.ts', '../a/x.ts')]),
    ).toEqual(['a/x.ts -> a/y.ts -> b/z.ts -> a/x.ts']);
    expect(ringsOf([file('a/x.ts', './y.ts'), file('a/y.ts', './x.ts', true)])).toEqual([]);
  });

  test('a core that looks at the clock', () => {
    for (const line of ['const now = Date.now();', 'setTimeout(tick, 5);', 'console.log(1)', 'Math.random()'])
      expect(line).toMatch(IMPURE);
    for (const line of ['processed.push(1);', 'const timeout = 5;', 'function prefetch() {}'])
      expect(line).not.toMatch(IMPURE);
  });
});
