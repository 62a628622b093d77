/** `skewgate check`: is this a config that `serve` would take? */
import path from 'node:path';
import type { Command } from 'commander';
import { loadConfig, parseServable, readText } from '../../config/load.ts';
import { planReload } from '../../config/plan-reload.ts';
import { hashPolicy, policyOf } from '../../config/policy.ts';
import { configJsonSchema } from '../../config/reference.ts';
import type { Config } from '../../config/schema.ts';
import { plural } from '../../config/units.ts';
import { printable } from '../printable.ts';
import { UsageError } from '../usage.ts';

interface Options {
  readonly folder?: string;
  readonly against?: string;
  readonly schema?: true;
}

/** Defines `check`. */
export function addCheck(program: Command): void {
  program
    .command('check')
    .description(
      'Check a config file, and that the folders and programs it names exist on this machine. Exit status 0: `serve` would accept it; 2: it would not, and the errors are printed.',
    )
    .argument('[file]', 'the config file')
    .option(
      '--folder <folder>',
      'folder that relative paths in the file are resolved against (default: its own)',
    )
    .option('--against <file>', 'say what a reload from this config to the other one would change')
    .option('--schema', 'print the JSON Schema of config files, for editors')
    .action(async (file: string | undefined, options: Options) => {
      if (options.schema) return console.log(JSON.stringify(configJsonSchema(), null, 2));
      if (file === undefined) throw new UsageError('state a config file to check');
      const config = parseServable(await readText(file), file, options.folder ?? path.dirname(file));
      const policy = policyOf(config);
      console.log(
        `${file}: valid. ${plural(config.listen.length, 'listener')}, ${plural(config.servers.length, 'server')}, policy ${policy.name} (${hashPolicy(policy)})`,
      );
      if (options.against !== undefined)
        sayDifference(await loadConfig(options.against), config, options.against);
    });
}

/** Sets the exit status where a reload would be refused. */
function sayDifference(running: Config, config: Config, name: string): void {
  const { changes, refused } = planReload(running, config);
  for (const { key, why } of refused) console.error(`${key}: ${why}`);
  if (refused.length > 0) {
    process.exitCode = 2;
    return console.error(`A reload from ${name} would be refused, and change nothing.`);
  }
  if (changes.length === 0) return console.log(`A reload from ${name} changes nothing.`);
  console.log(`A reload from ${name} changes:`);
  for (const { sentence } of changes) console.log(`  ${printable(sentence)}`);
}
