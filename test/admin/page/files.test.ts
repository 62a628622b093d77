/** The page's files: each is used, runs in a browser as it is, and holds nothing that its policy would keep from running. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PAGE_POLICY, readPageFiles } from '../../../src/admin/page-files.ts';
import { ROOT } from '../../support/documents.ts';
import { importsOf, readSources } from '../../support/imports.ts';

const files = readPageFiles();
const text = (at: string) => (files.get(at) as { body: Buffer }).body.toString();
const modules = [...files.keys()].filter((at) => at.endsWith('.js') && at !== '/page/uplot.js');

/** The addresses that a file makes a browser load. */
function loadedBy(at: string): string[] {
  if (at.endsWith('.js'))
    return importsOf(text(at)).map(({ specifier }) => path.posix.join(path.posix.dirname(at), specifier));
  return [...text(at).matchAll(/(?:src|href)="(?!#|data:)([^"]+)"/g)].map(([, link]) => `/${link}`);
}

describe('the files of the page', () => {
  test('are all loaded, from the first one on, and nothing is that is not there', () => {
    const loaded = new Set(['/']);
    for (const at of loaded)
      if (at !== '/page/uplot.js' && !at.endsWith('.css')) for (const next of loadedBy(at)) loaded.add(next);
    expect([...loaded].sort()).toEqual([...files.keys()].sort());
    expect(modules.length).toBeGreaterThan(20);
  });

  test('have no script or style inside the HTML, and none read markup from text', () => {
    expect(text('/')).not.toMatch(/<style|style=|<script[^>]*>[^<]|\son\w+=/);
    const reading = modules.filter((at) =>
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/.test(text(at)),
    );
    expect(reading).toEqual([]);
    expect(PAGE_POLICY).not.toContain('unsafe');
  });

  test('are small, and each says first what it is for', () => {
    for (const at of modules) {
      expect(text(at).split('\n').length, at).toBeLessThan(300);
      expect(text(at), at).toMatch(/^\/\*\*/);
    }
  });

  test('use only types of other folders, and only those of planning', () => {
    const typed = readSources().filter(({ path: file }) => file.startsWith('admin/page/'));
    const outward = typed
      .flatMap(({ imports }) => imports)
      .filter(({ specifier }) => specifier.startsWith('../'));
    expect(outward.length).toBeGreaterThan(0);
    for (const { specifier, typeOnly } of outward)
      expect([typeOnly, specifier]).toEqual([true, '../../planning/answers.ts']);
  });

  test('are part of the package, as is uPlot', () => {
    const { files: published, dependencies } = JSON.parse(
      readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
    ) as {
      files: string[];
      dependencies: Record<string, string>;
    };
    expect(published).toContain('src/admin/page');
    expect(Object.keys(dependencies)).toContain('uplot');
  });
});
