/** What the API says when it does not do what it was asked: a word for programs, a sentence for people. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ConfigError } from '../config/load.ts';
import { OperationError } from '../gateway/effect.ts';
import { LedgerFormatError } from '../migration/ledger/record.ts';
import { LedgerUnavailable } from '../migration/ledger/store.ts';
import { SuppositionError } from '../planning/what-if.ts';
import { VersionError } from '../version/version.ts';
import { MisuseError } from '../wire/fault.ts';

/** The body of every answer that is not a success. */
export const errorSchema = z
  .object({
    error: z.string().describe('a word for programs, such as `NO_TOKEN`'),
    message: z.string().describe('what is wrong and what to do about it, for people'),
    field: z.string().optional().describe('of a request that can not be meant: the field that is wrong'),
  })
  .describe('why the gate did not do what it was asked')
  .meta({ id: 'Error' });

/** An answer that is not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly error: string;
  readonly field: string | undefined;

  /**
   * @param status of HTTP
   * @param error a word for programs
   */
  constructor(status: number, error: string, message: string, field?: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.field = field;
  }
}

type Body = z.infer<typeof errorSchema>;

/** Words for what fastify itself refuses; what is not here is a defect of the gate. */
const OWN: Readonly<Record<string, readonly [error: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['TOO_LARGE', 'the body of the request is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'NOT_JSON',
    'the body has to be JSON, with content-type: application/json',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['NOT_JSON', 'the body is not JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [
    'NOT_JSON',
    'the body is empty, and content-type says that it is JSON: send {}',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['NOT_JSON', 'the body is not as long as content-length says'],
};

/** Errors of the parts that routes ask, whose messages are for people. */
const KNOWN = [
  { kinds: [VersionError, SuppositionError, ConfigError], status: 400, error: 'INVALID' },
  { kinds: [MisuseError], status: 409, error: 'NOT_NOW' },
  { kinds: [LedgerUnavailable, LedgerFormatError], status: 503, error: 'LEDGER_UNAVAILABLE' },
] as const;

/** Answers with what went wrong. */
export async function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [status, body] = describe(error, request);
  return reply.code(status).send(body);
}

/** Answers to an address that means nothing here. */
export async function sendNotFound(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const [path] = request.url.split('?');
  return reply.code(404).send({
    error: 'NOT_FOUND',
    message: `there is no ${request.method} ${path}: /openapi.json lists what there is`,
  } satisfies Body);
}

function describe(error: FastifyError | Error, request: FastifyRequest): [status: number, Body] {
  if (error instanceof ApiError) {
    const { status, error: word, message, field } = error;
    return [status, { error: word, message, ...(field !== undefined && { field }) }];
  }
  if (hasZodFastifySchemaValidationErrors(error)) return [400, invalid(error.validation, request)];
  if (error instanceof OperationError)
    return error.isMissing
      ? [404, { error: 'NOT_FOUND', message: error.message }]
      : [409, { error: 'NOT_POSSIBLE', message: error.message }];
  const known = KNOWN.find(({ kinds }) => kinds.some((kind) => error instanceof kind));
  if (known !== undefined) return [known.status, { error: known.error, message: error.message }];
  const { code = '', statusCode = 500 } = error as FastifyError;
  const [word, message] = OWN[code] ?? [];
  if (word !== undefined && message !== undefined) return [statusCode, { error: word, message }];
  if (statusCode < 500) return [statusCode, { error: 'BAD_REQUEST', message: error.message }];
  return [500, { error: 'FAULT', message: `the gate failed over this request: ${error.message}` }];
}

/** The first thing that is wrong: `targt: Unrecognized key`. */
function invalid(
  [first]: readonly { readonly instancePath: string; readonly message?: string }[],
  { url }: FastifyRequest,
): Body {
  const field = first?.instancePath.replaceAll('/', '.').replace(/^\./, '') ?? '';
  const what = first?.message ?? 'it can not be meant';
  const [path] = url.split('?');
  return {
    error: 'INVALID',
    message: field === '' ? `${path}: ${what}` : `${path}: ${field}: ${what}`,
    ...(field !== '' && { field }),
  };
}
