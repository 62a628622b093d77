/**
 * `node --import`ed: the URL of every module that was loaded, one a line, at the end: on standard error or, where
 * `LOADED_FOLDER` names a folder, in a file there that is named after the process.
 */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';

const { LOADED_FOLDER } = process.env;
const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
process.on('exit', () => {
  const text = loaded.map((url) => `${url}\n`).join('');
  if (LOADED_FOLDER === undefined) process.stderr.write(text);
  else writeFileSync(path.join(LOADED_FOLDER, `${process.pid}`), text);
});
