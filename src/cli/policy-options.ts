/** `--preset` and `--config`, as explain and matrix take them. */
import { type Command, Option } from 'commander';
import { parseYaml, readText } from '../config/load.ts';
import { policyOf } from '../config/policy.ts';
import { configSchema } from '../config/schema.ts';
import { PRESET_NAMES, PRESETS, type PresetName } from '../policy/presets.ts';
import type { Policy } from '../policy/types.ts';

export interface PolicyOptions {
  readonly preset?: PresetName;
  readonly config?: string;
}

/** Offline, a file need say nothing but `policy` and `catalogue`. */
const policyFile = configSchema.partial({ listen: true, servers: true });

export function addPolicyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--preset <name>', 'policy to judge by (default: phoenix)')
        .choices(PRESET_NAMES)
        .conflicts('config'),
    )
    .option('--config <file>', 'take policy and catalogue from this file');
}

/** @throws {ConfigError} */
export async function policyFrom({ preset, config }: PolicyOptions): Promise<Policy> {
  if (config === undefined) return PRESETS[preset ?? 'phoenix'];
  return policyOf(parseYaml(await readText(config), config, policyFile));
}
