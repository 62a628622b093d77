/** From a config's words to the policy that decides. */
import { createHash } from 'node:crypto';
import { PRESETS } from '../policy/presets.ts';
import type { Policy } from '../policy/types.ts';
import {
  type Catalogue,
  createCatalogue,
  type Era,
  extendCatalogue,
  type Release,
} from '../version/catalogue.ts';
import { parseMinor, parseVersion } from '../version/version.ts';
import type { Config } from './schema.ts';

/** The policy that a config describes: its preset, with what the config states over it, and its catalogue. */
export function policyOf({ policy, catalogue }: Pick<Config, 'policy' | 'catalogue'>): Policy {
  const { preset, ...stated } = policy;
  const base: Policy = PRESETS[preset];
  const overrides = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
  if (base.kind === 'ranges') return { ...base, scope: policy.scope ?? base.scope };
  return { ...base, ...overrides, catalogue: catalogueOf(catalogue, base.catalogue) };
}

function catalogueOf(stated: Config['catalogue'], base: Catalogue): Catalogue {
  if (stated === undefined) return base;
  const from = stated.extends === 'none' ? createCatalogue([]) : base;
  const extended = extendCatalogue(from, stated.releases.map(releaseOf));
  const eras: Era[] = [
    ...(stated.lockstepBelow
      ? [{ below: parseVersion(stated.lockstepBelow), lockstep: true, hopByHop: false }]
      : []),
    ...(stated.hopByHopBelow
      ? [{ below: parseVersion(stated.hopByHopBelow), lockstep: false, hopByHop: true }]
      : []),
  ];
  return { ...extended, eras: [...extended.eras, ...eras] };
}

function releaseOf({
  version,
  accepts,
  ...rest
}: NonNullable<Config['catalogue']>['releases'][number]): Release {
  return {
    ...rest,
    version: parseVersion(version),
    ...(accepts && { accepts: accepts.map(parseMinor) }),
  } as Release;
}

/** First 12 hex digits of the SHA-256 of the policy: equal for gates that decide alike. */
export function hashPolicy(policy: Policy): string {
  return hashOf(policy);
}

/** The same of the catalogue alone; `none` under a policy that knows none. */
export function hashCatalogue(policy: Policy): string {
  return policy.kind === 'ranges' ? 'none' : hashOf(policy.catalogue);
}

/** First 12 hex digits of the SHA-256 of a plain object. */
export function hashOf(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
