/** The patterns that find a version: what they take, what they refuse, and that none can hold up the gate. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { compileVersionPattern } from '../../src/backend/version-pattern.ts';
import { parseConfig } from '../../src/config/load.ts';

const run = promisify(execFile);
const PROBE = new URL('../../src/backend/version-probe.ts', import.meta.url).href;

/** Asks a program that prints `text` for its version in a process of its own, which is ended if it does not end. */
async function probeElsewhere(pattern: string, text: string): Promise<string> {
  const command = [process.execPath, '-e', `process.stdout.write(${JSON.stringify(text)})`];
  const script = `
    const { createVersionProbe } = await import(${JSON.stringify(PROBE)});
    const probe = createVersionProbe(${JSON.stringify({ command, pattern })}, '.');
    console.log(await probe(new AbortController().signal).then(({ raw }) => raw, (error) => error.message));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  return stdout.trim();
}

test('a pattern on which other engines never end has an answer at once', async () => {
  expect(await probeElsewhere('^(a+)+$', `${'a'.repeat(60_000)}!`)).toMatch(/which does not match pattern$/);
});

describe('what a pattern finds', () => {
  test.each([
    ['its first group', 'server (\\S+)', 'client 1.2.3, server 4.15.0', '4.15.0'],
    ['a named group', '(?<version>4\\.\\d+)', 'x 4.14', '4.14'],
    ['all that matches, where there is no group', '4\\.\\d+\\.\\d+', 'at 4.15.0!', '4.15.0'],
    ['all that matches, where its group took no part', '(beta)?4\\.\\d+', 'at 4.15', '4.15'],
    ['letters of any case', '(?i)VERSION (\\S+)', 'Version 4.15.0', '4.15.0'],
    ['a character by its number', '\\u00e9(\\d)', 'é4', '4'],
    ['nothing', 'server (\\S+)', 'client 1.2.3', null],
  ])('%s', (_, pattern, text, found) => {
    expect(compileVersionPattern(pattern)(text)).toBe(found);
  });
});

test.each([
  ['lookahead', '(?=v)x', /no lookaround.*`\(\?=`/],
  ['lookbehind', '(?<!v)x', /no lookaround/],
  ['a backreference', '(a)\\1', /no backreferences.*invalid escape sequence/],
  ['an open bracket', '(', /missing closing \)/],
  ['counts that multiply', '((a{1,100}){1,10})$', /the pattern repeats too much/],
  ['endless length', 'a'.repeat(2_000), /at most 1024 characters/],
])('check refuses %s, with the reason', (_, pattern, reason) => {
  const server = { id: 'a', address: 'tcp://h:1', version: { http: 'http://h/', pattern } };
  const config = JSON.stringify({ listen: [{ tcp: 'h:2' }], servers: [server] });
  const check = () => parseConfig(config);
  expect(check).toThrow(/servers\[0\]\.version\.pattern/);
  expect(check).toThrow(reason);
});
