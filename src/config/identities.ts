/**
 * The config's `identities`: who a client is, by its certificate or its token, and which releases it may then say that it
 * is of. They are asked in their order; the first that fits a client is who it is.
 */
import { z } from 'zod';
import { compileFingerprint, compileSan, compileSubject } from './certificate-pattern.ts';
import { checked } from './checked.ts';
import { parseClientRange } from './client-range.ts';

const SELECTORS = ['san', 'subject', 'fingerprint', 'token'] as const;

/** Characters of a name: it stands in records, in metrics and on the page. */
export const shownName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'a name has no control characters');

const range = checked(parseClientRange);

const identity = z
  .strictObject({
    san: checked(compileSan)
      .optional()
      .describe(
        "an alternative name of the client's certificate, such as `spiffe://shop/*` or `*.shop.example`; a `*` stands for characters of one part, and `/**` at the end of a URI for all that follows",
      ),
    subject: checked(compileSubject)
      .optional()
      .describe(
        "the certificate's subject with all its parts, such as `CN=web-*,O=Shop`; `*` alone: whoever the listener's `clientCa` vouches for",
      ),
    fingerprint: checked(compileFingerprint).optional().describe("the certificate's SHA-256, in hex"),
    token: z.string().min(1).max(128).optional().describe('name of one of `clients.tokens`'),
    name: shownName
      .optional()
      .describe(
        'what the client is called in records, in metrics and on the page; default: what it is known by',
      ),
    versions: z
      .union([range, z.array(range).min(1).max(64)])
      .optional()
      .describe(
        'the releases that it may say it is of: a range such as `4.14.x` or `>=4.13 <4.15`, or a list of them; default: any',
      ),
  })
  .refine((entry) => SELECTORS.filter((key) => entry[key] !== undefined).length === 1, {
    message: 'an identity is known by one of san, subject, fingerprint and token',
  });

/** More take longer to look through than a handshake should. */
const MOST = 1_000;

export const identities = z.array(identity).max(MOST).default([]);

/** One entry of `identities`. */
export type IdentityEntry = z.infer<typeof identity>;

/** What a client that fits is called. */
export function nameOf({ name, san, subject, fingerprint, token }: IdentityEntry): string {
  return name ?? san ?? subject ?? fingerprint ?? token ?? '';
}
