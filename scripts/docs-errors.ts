import { writeFileSync } from "node:fs";
import { GRPC, REASONS, type ReasonRow } from "../src/core/errors.ts";

/** Where the table is kept. */
export const ERRORS_DOCS = new URL("../docs/errors.md", import.meta.url);

const INTRO = `# Errors

The table is made from \`REASONS\` in \`src/core/errors.ts\` by \`node scripts/docs-errors.ts\`; do not edit it.

A failure has one reason, the same in every protocol; status, code and type follow from it. Reasons are added and never renamed:
treat one that you do not know by its status alone. "Next target": the failure happened before the first byte of the answer and the
route has another target, so that is tried, as long as time is left.
`;

const HEAD = `
| reason | gRPC, Connect | HTTP | OpenAI \`type\` / \`code\` | next target | when |
|---|---|---|---|---|---|
`;

const FORMS = `
## How each protocol says it

| | before the answer | in the middle of a stream |
|---|---|---|
| OpenAI's paths | the status, \`{"error":{"message","type","param","code"}}\` | \`data: {"error":{...}}\`, and no \`[DONE]\` |
| MLflow's paths | the status, \`{"detail":...}\` | \`data: {"error":{...}}\`, and no \`[DONE]\` |
| Connect | the code and its status, JSON or an end-of-stream message | the end-of-stream message has the error |
| gRPC | \`grpc-status\`, \`grpc-message\`, \`grpc-status-details-bin\` | the same, in the trailers |
| gRPC-web | the same, in the trailers or their frame | the same, in the trailers' frame |

- A stream ends in exactly one of two ways: whole, or with its protocol's failure. An end without either means that the connection
  to the gateway was cut.
- Connect, gRPC and gRPC-web carry \`google.rpc.ErrorInfo\` with \`reason\`, the domain \`polygate\`, and facts such as
  \`request_id\`, \`route\`, \`provider\`, \`upstream_status\`; \`google.rpc.BadRequest\` names each field at fault, and
  \`google.rpc.RetryInfo\` says when to come back.
- Over REST, \`Retry-After\` says when to come back, in seconds.
- A provider's own refusal of a request (UPSTREAM_REJECTED) keeps the provider's status and words, over OpenAI's paths its \`type\`
  and \`code\` too. Its refusal of the gateway's key is never passed on as a 401: that would make clients throw a good key away.
- MLflow's paths answer a request that breaks a rule with 422, and keep the status of a provider's 5xx, as MLflow does.
- Every answer has \`x-request-id\`. The log has a line with the same \`request_id\`; for INTERNAL it holds what the answer does not.
`;

/** The page as it should be. */
export function errorsDocsText(): string {
  const rows = Object.entries(REASONS).map(([reason, row]) => rowOf(reason, row));
  return `${INTRO}${HEAD}${rows.join("")}${FORMS}`;
}

function rowOf(reason: string, { grpc, http, type, code, nextTarget, when }: ReasonRow): string {
  const named = code === null ? `\`${type}\`` : `\`${type}\` / \`${code}\``;
  return `| ${reason} | \`${nameOf(grpc)}\` ${grpc} | ${http} | ${named} | ${nextTarget ? "yes" : "no"} | ${when} |\n`;
}

/** As gRPC and Connect spell it: `resourceExhausted` is `resource_exhausted`. */
function nameOf(grpc: number): string {
  const [name] = Object.entries(GRPC).find(([, number]) => number === grpc)!;
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

if (import.meta.main) writeFileSync(ERRORS_DOCS, errorsDocsText());
