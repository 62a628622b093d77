/** The policies that ship, as data for one engine. */
import { createCatalogue } from '../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../version/phoenix.ts';
import type { Policy, RangesPolicy, SkewPolicy } from './types.ts';

/** Phoenix's documented policy: P1, M1 to M5, J1. */
const phoenix: SkewPolicy = {
  kind: 'skew',
  name: 'phoenix',
  scope: 'cluster',
  window: 2,
  systemTables: true,
  lockstep: true,
  autoUpgrade: true,
  catalogue: PHOENIX_CATALOGUE,
};

/** `MetaDataUtil.areClientAndServerCompatible`: one server asked, no lower bound inside a major. */
const phoenixAsCoded: SkewPolicy = {
  ...phoenix,
  name: 'phoenix-as-coded',
  scope: 'server',
  window: null,
  lockstep: false,
};

/**
 * https://kubernetes.io/releases/version-skew-policy/: a component is never newer than the oldest API server
 * and at most three minors older than the newest.
 */
const kubernetes: SkewPolicy = {
  ...phoenix,
  name: 'kubernetes',
  window: 3,
  systemTables: false,
  lockstep: false,
  catalogue: createCatalogue([]),
};

/** As Kafka's ApiVersions and MongoDB's min/maxWireVersion do. */
const ranges: RangesPolicy = { kind: 'ranges', name: 'ranges', scope: 'cluster' };

/** What a config builds upon: Phoenix's rules, every field of which may be stated. */
const custom: SkewPolicy = { ...phoenix, name: 'custom' };

/** Every preset by its name. A policy of one's own is one of them with fields of its own. */
export const PRESETS = {
  phoenix,
  'phoenix-as-coded': phoenixAsCoded,
  kubernetes,
  ranges,
  custom,
} as const satisfies Record<string, Policy>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
