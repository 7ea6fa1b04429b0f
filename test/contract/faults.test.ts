/** What providers said when they refused or failed, in their own bytes, and what callers of each dialect are told. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { anthropicError } from "../../src/dialects/anthropic/fault.ts";
import { openAIError } from "../../src/dialects/openai/error.ts";
import { type Contracted, contracted, opened } from "../support/provider-contract.ts";

interface Row {
  /** A provider's kind, or `azure`, which is OpenAI's with other settings. */
  readonly kind: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  /** In place of `body`: what is no JSON object. */
  readonly text?: string;
  readonly want: {
    readonly reason: string;
    /** Status for callers over REST. */
    readonly http: number;
    /** Number of the gRPC status. */
    readonly grpc: number;
    /** OpenAI's type. */
    readonly type: string;
    /** Anthropic's type. */
    readonly anthropic: string;
    /** Whether another target may answer. */
    readonly next: boolean;
    readonly retry_after_ms?: number;
    readonly request_id?: string;
  };
}

const rows = JSON.parse(readFileSync(new URL("faults/bodies.json", import.meta.url), "utf8")) as Row[];
const providers = new Map((await contracted()).map((one) => [one.kind, one]));
const AZURE = { openai_api_type: "azure", openai_deployment_name: "d", openai_api_version: "2024-10-21" };

function upstreamOf(kind: string) {
  const one = providers.get(kind === "azure" ? "openai" : kind) as Contracted;
  return opened(one, kind === "azure" ? AZURE : {});
}

const said = ({ body, text }: Row): string => text ?? JSON.stringify(body);

describe.each(rows.map((row) => ({ ...row, title: `${row.kind} ${row.status} ${said(row).slice(0, 100)}` })))(
  "$title",
  (row) => {
    it("is told as it should be", () => {
      const headers = { "content-type": "application/json", ...row.headers };
      const error = upstreamOf(row.kind).fault(row.status, headers, Buffer.from(said(row)));
      const openai = JSON.parse(openAIError(error)) as { error: { type: string; message: string } };
      const anthropic = JSON.parse(anthropicError(error, "req")) as { error: { type: string } };
      expect({
        reason: error.fault.reason,
        http: error.http,
        grpc: error.row.grpc,
        type: openai.error.type,
        anthropic: anthropic.error.type,
        next: error.row.nextTarget,
        ...("retry_after_ms" in row.want && { retry_after_ms: error.fault.retryAfterMs }),
        ...("request_id" in row.want && { request_id: error.fault.upstreamRequestId }),
      }).toEqual(row.want);
      expect(openai.error.message).toMatch(/^\S.{8,}/s);
      // The provider's own status is kept for the log; where our key or account is refused, its words are not for callers.
      expect(error.fault.upstreamStatus).toBe(row.status);
      if (row.want.reason === "UPSTREAM_CREDENTIALS") expect(openai.error.message).toContain("operator");
      expect(openai.error.message).not.toMatch(/<html|sk-abcd|Traceback/);
    });
  },
);

it("has at least 150 bodies", () => expect(rows.length).toBeGreaterThanOrEqual(150));
