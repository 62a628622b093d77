/** `--preset` and `--config`, as explain and matrix take them. */
import { type Command, Option } from 'commander';
import { parseYaml, readText } from '../config/load.ts';
import { type OfflineConfig, offlineSchema } from '../config/offline.ts';
import { policyOf } from '../config/policy.ts';
import { PRESET_NAMES, PRESETS, type PresetName } from '../policy/presets.ts';
import type { Policy } from '../policy/types.ts';

/** The two options, as commander gives them. */
export interface PolicyOptions {
  readonly preset?: PresetName;
  readonly config?: string;
}

/** Adds `--preset` and `--config` to a command. */
export function addPolicyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--preset <name>', 'policy to judge by (default: phoenix)')
        .choices(PRESET_NAMES)
        .conflicts('config'),
    )
    .option('--config <file>', 'take policy and catalogue from this file');
}

/** The file that `--config` names; null if the option is not there. @throws {ConfigError} */
export async function offlineConfig({ config }: PolicyOptions): Promise<OfflineConfig | null> {
  return config === undefined ? null : parseYaml(await readText(config), config, offlineSchema);
}

/** The policy that the options name. @throws {ConfigError} */
export async function policyFrom(options: PolicyOptions): Promise<Policy> {
  const config = await offlineConfig(options);
  return config === null ? PRESETS[options.preset ?? 'phoenix'] : policyOf(config);
}
