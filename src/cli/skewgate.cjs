#!/usr/bin/env node
// The published command. Kept to syntax that any Node reads, so that one too old gets a sentence.
'use strict';

var needed = 24;
var major = Number(process.versions.node.split('.')[0]);
if (major < needed) {
  console.error(`skewgate needs Node.js ${needed} or later; this is ${process.versions.node}.`);
  process.exit(2);
}
require('node:module').enableCompileCache();
import('../../dist/cli/main.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/dist.cli.main\.js/.test(error.message)) throw error;
  console.error('skewgate is not built yet: run "npm ci" (or "npm run build") in its folder first.');
  process.exit(2);
});
