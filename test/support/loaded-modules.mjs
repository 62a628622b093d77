/** `node --import`ed: the URL of every module that was loaded, one a line on standard error at the end. */
import { registerHooks } from 'node:module';

const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write(loaded.map((url) => `${url}\n`).join('')));
