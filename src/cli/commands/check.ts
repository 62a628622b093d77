/** `skewgate check`: is this a config that `serve` would take? */
import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { hashPolicy, policyOf } from '../../config/policy.ts';
import { configJsonSchema } from '../../config/reference.ts';
import { plural } from '../../config/units.ts';
import { UsageError } from '../usage.ts';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('Check a config file. Status 0: it is valid; 2: it is not, and what is wrong is printed.')
    .argument('[file]', 'the config file')
    .option('--schema', 'print the JSON Schema of config files, for editors')
    .action(async (file: string | undefined, options: { readonly schema?: true }) => {
      if (options.schema) return console.log(JSON.stringify(configJsonSchema(), null, 2));
      if (file === undefined) throw new UsageError('state a config file to check');
      const config = await loadConfig(file);
      const policy = policyOf(config);
      console.log(
        `${file}: valid. ${plural(config.listen.length, 'listener')}, ${plural(config.servers.length, 'server')}, policy ${policy.name} (${hashPolicy(policy)})`,
      );
    });
}
