import { ChatRequestSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import type { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import { errors, type Violation } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { checkMember, isSound, namedRules, violationsOf } from "../../dialects/proto/check.ts";
import { type Kind, type MemberRules, rulesOf } from "../../dialects/proto/rules.ts";

/** The rules of the protos, for JSON: REST callers are held to what gRPC callers are held to. */
const RULES = {
  chat: rulesOf(ChatRequestSchema),
  completions: rulesOf(CompleteRequestSchema),
  embeddings: rulesOf(EmbedRequestSchema),
  // Not asked for in OpenAI's words.
  predictions: [],
} satisfies Record<Operation, unknown>;

/** The name of a route that a request's `model` is. Throws FIELD_INVALID when it cannot be one. */
export function routeName(name: Json | undefined): string {
  if (typeof name === "string" && name !== "") return name;
  throw errors.fieldInvalid([
    { field: "model", description: "must be the name of a route, as GET /v1/models lists them" },
  ]);
}

/** Up to this size a body is parsed and held to every rule; parsing costs a tenth of what the rest of the call does. */
const PARSED_BYTES = 8 * 1024;
/** Of a larger body, members up to this size are. */
const PARSED_MEMBER_BYTES = 1024;

/**
 * Throws FIELD_INVALID with every rule that the body breaks, BODY_MALFORMED when it is not one JSON object.
 *
 * Long conversations are not parsed for it: of a body over 8 KiB the short members are held to their rules and the long ones to
 * their kind, and what stands deeper in those is the provider's to refuse.
 */
export function checkRequest(op: Operation, body: Body): void {
  const rules = RULES[op];
  const { brief } = body;
  if (brief !== undefined && isSound(rules, brief)) return;
  const violations = body.size <= PARSED_BYTES ? violationsOf(rules, body.json) : shallow(rules, body);
  if (violations.length > 0) throw errors.fieldInvalid(violations as [Violation, ...Violation[]]);
}

function shallow(rules: readonly MemberRules[], body: Body): Violation[] {
  const found: Violation[] = [];
  const named = namedRules(rules);
  let required = 0;
  // Of a long list of rules most are about members that are not there.
  for (const key of body.keys()) {
    const one = named.of.get(key);
    if (one === undefined) continue;
    if (one.required) required++;
    checkShallow(one, body, found);
  }
  if (required === named.required && found.length === 0) return found;
  const all: Violation[] = [];
  for (const one of rules) checkShallow(one, body, all);
  return all;
}

function checkShallow(one: MemberRules, body: Body, found: Violation[]): void {
  const bytes = body.slice(one.name);
  if (bytes === undefined || bytes.length <= PARSED_MEMBER_BYTES)
    checkMember(one, body.peek(one.name), one.name, found);
  else checkKind(one, bytes[0]!, found);
}

/** JSON's types by their first byte, and the kinds that they may be. */
const KINDS: Readonly<Record<number, readonly Kind[]>> = {
  34: ["string", "union"],
  91: ["list", "union"],
  123: ["object", "map", "union"],
};

function checkKind({ name, kind }: MemberRules, first: number, found: Violation[]): void {
  if (!(KINDS[first]?.includes(kind) ?? false)) found.push({ field: name, description: `must be a ${kind}` });
}
