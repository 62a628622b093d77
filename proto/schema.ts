/** JSON Schema of every message, from the schemas in src/wire/messages.ts. */
import { z } from 'zod';
import { MESSAGES, type MessageName } from '../src/wire/messages.ts';
import { REVISIONS } from '../src/wire/preface.ts';

/** The part of JSON Schema that messages use. */
export interface Node {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Node;
  readonly additionalProperties?: Node;
  readonly maxProperties?: number;
  readonly items?: Node;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly $defs?: Readonly<Record<string, Node>>;
}

export interface MessagesSchema {
  readonly messages: Readonly<
    Record<string, { type: number; from: string; to: string; about: string; schema: Node }>
  >;
  readonly $defs: Readonly<Record<string, Node>>;
}

/** What a sender may write; `decision` is referred to as `#/$defs/decision`. */
function draw(name: MessageName): Node {
  const { $schema: _, ...node } = z.toJSONSchema(MESSAGES[name].schema, { io: 'input' }) as Node & {
    $schema?: string;
  };
  return node;
}

/** With its own fields, also where the whole message is a shared definition. */
export function schemaOf(name: MessageName): Node {
  const node = draw(name);
  return node.$ref === undefined ? node : (node.$defs?.decision as Node);
}

export function messagesSchema(): MessagesSchema & Record<string, unknown> {
  const names = Object.keys(MESSAGES) as MessageName[];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Messages of the skewgate handshake, revision ${REVISIONS.max}`,
    description:
      'What a sender may write. Fields that are not listed are ignored by receivers. Lengths count Unicode code points. ' +
      'Beyond what is said here, `protocol.min` is at most `protocol.max`.',
    messages: Object.fromEntries(
      names.map((name) => {
        const { type, from, to, about } = MESSAGES[name];
        return [name, { type, from, to, about, schema: { $ref: `#/$defs/${name}` } }];
      }),
    ),
    $defs: {
      decision: schemaOf('refuse'),
      ...Object.fromEntries(
        names.map((name) => {
          const { $defs: _, ...node } = draw(name);
          return [name, node];
        }),
      ),
    },
  };
}
