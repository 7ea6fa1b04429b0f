import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { bareField } from "../../src/dialects/proto/fields.ts";
import type { MemberRules } from "../../src/dialects/proto/rules.ts";
import type { Protos } from "./protos.ts";
import {
  boundsOf,
  described,
  INTEGERS,
  isRequired,
  LONGS,
  orNull,
  ref,
  rulesAt,
  type Schema,
  STRUCT,
} from "./schema.ts";

/** What REST's JSON has beside a message's fields, or says of them otherwise. */
const REST: Record<string, Record<string, Schema>> = {
  ChatRequest: {
    stream: { type: "boolean", description: "Answers piece by piece, as server-sent events. Default false." },
    stream_options: { description: "Changes what a stream carries; read when `stream` is true." },
  },
  CompleteRequest: {
    stream: { type: "boolean", description: "Answers piece by piece, as server-sent events. Default false." },
    stream_options: { description: "Changes what a stream carries; read when `stream` is true." },
  },
  ChatResponse: { object: { type: "string", examples: ["chat.completion"] } },
  StreamChatResponse: { object: { type: "string", examples: ["chat.completion.chunk"] } },
  CompleteResponse: { object: { type: "string", examples: ["text_completion"] } },
  StreamCompleteResponse: { object: { type: "string", examples: ["text_completion"] } },
  EmbedResponse: { object: { type: "string", examples: ["list"] } },
  Embedding: { object: { type: "string", examples: ["embedding"] } },
  StreamOptions: {
    include_usage: { description: "Asks for a last event with the usage of the whole call. Default false." },
  },
};
/** On REST these are headers. */
const HEADERS = "polygate.v1.Served";

/**
 * Schemas of the JSON that mirrors the messages, OpenAI's, by the five rules at the head of `types.proto`. Unknown members
 * are allowed everywhere, and null is "absent".
 */
export class OpenAISchemas {
  readonly schemas: Record<string, Schema> = {};
  private readonly protos: Protos;

  constructor(protos: Protos) {
    this.protos = protos;
  }

  /** A reference to the message's schema, which is made, with all that it needs, when it is asked for first. */
  of(desc: DescMessage): Schema {
    const bare = bareField(desc);
    if (bare) return this.field(bare, rulesAt(bare));
    if (!Object.hasOwn(this.schemas, desc.name)) {
      // Claimed first: messages may hold one another.
      this.schemas[desc.name] = {};
      this.schemas[desc.name] = this.object(desc);
    }
    return ref(desc.name);
  }

  /** Another schema of the message, with some members left out. */
  without(desc: DescMessage, name: string, omit: readonly string[]): Schema {
    const { properties, required, ...rest } = this.object(desc) as {
      properties: Record<string, Schema>;
      required?: string[];
    };
    const kept = Object.fromEntries(Object.entries(properties).filter(([key]) => !omit.includes(key)));
    const needed = (required ?? []).filter((key) => !omit.includes(key));
    this.schemas[name] = { ...rest, ...(needed.length > 0 && { required: needed }), properties: kept };
    return ref(name);
  }

  private object(desc: DescMessage): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    const put = (name: string, comment: string, schema: Schema) => {
      const needed = isRequired(comment);
      if (needed) required.push(name);
      properties[name] = described(comment, needed ? schema : orNull(schema));
    };
    for (const member of desc.members) {
      if (member.name === "extra") continue;
      if (member.kind === "field") {
        if (member.message?.typeName !== HEADERS)
          put(member.name, this.protos.comment(member), this.field(member, rulesAt(member)));
      } else if (member.name === "type") {
        const known = member.fields.map((field) => field.name);
        required.push("type");
        properties["type"] = { type: "string", description: this.protos.comment(member), examples: known };
        for (const field of member.fields)
          put(field.name, this.protos.comment(field), this.field(field, rulesAt(field)));
      } else put(member.name, this.protos.comment(member), this.union(member));
    }
    for (const [key, schema] of Object.entries(REST[desc.name] ?? {}))
      properties[key] = { ...properties[key], ...schema };
    return {
      type: "object",
      ...(this.protos.comment(desc) && { description: this.protos.comment(desc) }),
      ...(required.length > 0 && { required }),
      properties,
    };
  }

  private union(oneof: DescOneof): Schema {
    return { anyOf: oneof.fields.map((field) => this.field(field, rulesAt(field))) };
  }

  private field(field: DescField, rules: MemberRules): Schema {
    if (field.fieldKind === "list") {
      const item = this.value(field, rules.items);
      const list: Schema = { type: "array", items: mayLack(field) ? orNull(item) : item, ...boundsOf(rules) };
      if (field.scalar === ScalarType.FLOAT) {
        return { anyOf: [list, { type: "string", description: "The 32-bit floats, little end first, in base64." }] };
      }
      // OpenAI takes one string for a list of them.
      const lone = field.scalar === ScalarType.STRING && field.parent.name.endsWith("Request");
      return lone ? { anyOf: [{ type: "string" }, list] } : list;
    }
    if (field.fieldKind === "map") {
      const keys = boundsOf(rules.keys);
      return {
        type: "object",
        additionalProperties: this.value(field, rules.items),
        ...(Object.keys(keys).length > 0 && { propertyNames: keys }),
        ...boundsOf(rules),
      };
    }
    return this.value(field, rules);
  }

  private value(field: DescField, rules: MemberRules | undefined): Schema {
    if (field.message) return field.message.typeName === STRUCT ? { type: "object" } : this.of(field.message);
    if (field.enum) {
      return rules?.in ? { type: "string", enum: rules.in } : { type: "string", examples: rules?.known ?? [] };
    }
    if (field.scalar === ScalarType.STRING) return { type: "string", ...boundsOf(rules) };
    if (field.scalar === ScalarType.BOOL) return { type: "boolean" };
    const whole = INTEGERS.has(field.scalar!) || LONGS.has(field.scalar!);
    return { type: whole ? "integer" : "number", ...boundsOf(rules) };
  }
}

/** Lists with an item for each token, of which some have none to tell: null in JSON, NaN or an empty message in proto. */
function mayLack(field: DescField): boolean {
  return (
    field.scalar === ScalarType.DOUBLE || (field.message !== undefined && bareField(field.message)?.fieldKind === "map")
  );
}
