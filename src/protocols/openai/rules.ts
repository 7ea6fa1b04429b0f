import { ChatRequestSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import type { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import { errors, type Violation } from "../../core/errors.ts";
import { violationsOf } from "../../dialects/proto/check.ts";
import { rulesOf } from "../../dialects/proto/rules.ts";

/** The rules of the protos, for JSON: REST callers are held to what gRPC callers are held to. */
const RULES = {
  chat: rulesOf(ChatRequestSchema),
  completions: rulesOf(CompleteRequestSchema),
  embeddings: rulesOf(EmbedRequestSchema),
} satisfies Record<Operation, unknown>;

/** Throws FIELD_INVALID with every rule that the body breaks, BODY_MALFORMED when it is not one JSON object. */
export function checkRequest(op: Operation, body: Body): void {
  const violations = violationsOf(RULES[op], body.json);
  if (violations.length > 0) throw errors.fieldInvalid(violations as [Violation, ...Violation[]]);
}
