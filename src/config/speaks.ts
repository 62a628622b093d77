/** The keys of a listener that speaks somebody else's protocol: which one, and where its clients' releases are read. */
import { z } from 'zod';
import { compileVersionPattern } from '../backend/version-pattern.ts';
import { type CarriersOf, PROTOCOLS, SPOKEN_NAMES, type Spoken } from '../frontend/carriers.ts';
import type { Claims } from '../frontend/claim.ts';
import type { ProtocolRange } from '../policy/types.ts';
import { parseVersion } from '../version/version.ts';
import { checked } from './checked.ts';

const MAX_RULES = 16;

/** One place where a claim is read. */
const rule = z
  .record(z.string(), z.string().min(1).max(1_024))
  .refine((entry) => Object.keys(entry).length === 1, { message: 'one rule has one carrier' });

function parseOtherwise(text: string): void {
  if (text !== 'refuse') parseVersion(text);
}

/** What a listener has of its own with another protocol than the gate's. */
export const speakingKeys = {
  speaks: z
    .enum(['skewgate', ...SPOKEN_NAMES])
    .optional()
    .describe('the protocol of the clients on this port; default: `skewgate`; see [protocols](protocols.md)'),
  claim: z
    .array(rule)
    .min(1)
    .max(MAX_RULES)
    .optional()
    .describe(
      'with `speaks`: where a client states its release, such as `{ option: skewgate.version }` or a pattern in `{ application_name: ^shop/(.*) }`; the first match counts',
    ),
  otherwise: checked(parseOtherwise)
    .optional()
    .describe(
      'with `speaks`: what a client counts as that states none: a version, or `refuse`; default: `refuse`',
    ),
  strip: z
    .boolean()
    .optional()
    .describe(
      'with `claim`: whether it is taken out before the server sees it, where the protocol allows; default: false',
    ),
};

interface Speaking {
  readonly ws?: string | undefined;
  readonly assume?: string | undefined;
  readonly upgrade?: Claims['upgrade'] | undefined;
  readonly protocol?: ProtocolRange | undefined;
  readonly speaks?: 'skewgate' | Spoken | undefined;
  readonly claim?: readonly Readonly<Record<string, string>>[] | undefined;
  readonly otherwise?: string | undefined;
  readonly strip?: boolean | undefined;
}

/** The protocol of others that a listener speaks; null: the gate's own, or none. */
export function spokenOn({ speaks }: Pick<Speaking, 'speaks'>): Spoken | null {
  return speaks === undefined || speaks === 'skewgate' ? null : speaks;
}

/** A refinement of a listener: whether these keys fit together, and the protocol has such carriers. */
export function checkSpeaking(entry: Speaking, context: z.core.$RefinementCtx<Speaking>): void {
  const wrong = (key: string, message: string, ...rest: (string | number)[]) =>
    context.addIssue({ code: 'custom', path: [key, ...rest], message });
  const spoken = spokenOn(entry);
  const { assume, claim, otherwise, speaks, strip, ws } = entry;
  if (spoken === null) {
    if (speaks !== undefined && assume !== undefined)
      wrong('assume', 'clients that speak the handshake state their version themselves');
    for (const key of ['claim', 'otherwise', 'strip'] as const)
      if (entry[key] !== undefined)
        wrong(key, "only with `speaks`, and a protocol that is not the gate's own");
    return;
  }
  if (ws !== undefined) wrong('speaks', `${speaks} is spoken over TCP`);
  if (assume === undefined && claim === undefined && otherwise === undefined)
    wrong(
      'speaks',
      'say where a client states its release (`claim`), or what it counts as (`otherwise`, `assume`)',
    );
  if (assume !== undefined)
    for (const key of ['claim', 'otherwise'] as const)
      if (entry[key] !== undefined) wrong(key, 'with `assume`, whatever connects is of one version');
  if (strip === true && !PROTOCOLS[spoken].strips) wrong('strip', `${speaks} has no way to take a claim out`);
  if (strip !== undefined && claim === undefined) wrong('strip', 'there is no `claim` to take out');
  for (const [at, rule] of (claim ?? []).entries())
    for (const fault of faultsOf(rule, PROTOCOLS[spoken])) wrong('claim', fault.message, at, fault.carrier);
}

/** What is wrong with one rule. */
function faultsOf(rule: Readonly<Record<string, string>>, { carriers }: CarriersOf) {
  return Object.entries(rule).flatMap(([carrier, text]) => {
    if (!Object.hasOwn(carriers, carrier))
      return [
        { carrier, message: `there is no such carrier; there are ${Object.keys(carriers).join(', ')}` },
      ];
    if (carriers[carrier] === 'name') return [];
    try {
      compileVersionPattern(text);
      return [];
    } catch (error) {
      return [{ carrier, message: (error as Error).message }];
    }
  });
}

/** How a speaking listener finds its clients' releases. @param entry passed `checkSpeaking` */
export function claimsOf(entry: Speaking, spoken: Spoken): Claims {
  const { carriers }: CarriersOf = PROTOCOLS[spoken];
  const { assume, claim = [], otherwise = 'refuse', upgrade = 'may', protocol } = entry;
  const rules = claim.flatMap((rule) =>
    Object.entries(rule).map(([carrier, text]) =>
      carriers[carrier] === 'name'
        ? { carrier, name: text, pattern: null }
        : { carrier, name: null, pattern: compileVersionPattern(text) },
    ),
  );
  return { rules, fallback: fallbackOf(assume, otherwise), upgrade, ...(protocol && { protocol }) };
}

function fallbackOf(assume: string | undefined, otherwise: string): Claims['fallback'] {
  if (assume !== undefined) return { version: assume, source: 'assume' };
  return otherwise === 'refuse' ? null : { version: otherwise, source: 'otherwise' };
}
