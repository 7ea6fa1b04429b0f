import { expect, it } from "vitest";
import { ERROR_REASONS, errors, GatewayError, GRPC, REASONS } from "../../core/errors.ts";
import { words } from "../../core/words.ts";
import { googleError } from "./fault.ts";

/** Canonical codes of Google's APIs. https://cloud.google.com/apis/design/errors#handling_errors */
const CANONICAL = new Set(
  words(`
    CANCELLED INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION
    ABORTED ALREADY_EXISTS UNIMPLEMENTED INTERNAL UNAVAILABLE UNAUTHENTICATED
  `),
);

it.each(ERROR_REASONS)("%s has a status of Google's, and its own HTTP status as code", (reason) => {
  const { error } = googleError(new GatewayError("What is wrong.", { reason })) as {
    error: { code: number; message: string; status: string; details: object[] };
  };
  expect(CANONICAL).toContain(error.status);
  expect(error.code).toBe(REASONS[reason].http);
  expect(error.message).toBe("What is wrong.");
  expect(error.details[0]).toMatchObject({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason });
});

it("has a name for every code that the table has", () => {
  for (const { grpc } of Object.values(REASONS)) expect(Object.values(GRPC)).toContain(grpc);
});

it("says which fields are wrong, and when to come back", () => {
  const wrong = errors.fieldInvalid([{ field: "contents", description: "must be a list" }]);
  expect(googleError(wrong)["error"]).toMatchObject({
    code: 400,
    status: "INVALID_ARGUMENT",
    details: [
      { reason: "FIELD_INVALID", metadata: { param: "contents" } },
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        fieldViolations: [{ field: "contents", description: "must be a list" }],
      },
    ],
  });
  const busy = new GatewayError("Later.", { reason: "UPSTREAM_BUSY", retryAfterMs: 1500, upstreamStatus: 429 });
  expect(googleError(busy)["error"]).toMatchObject({
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    details: [
      { metadata: { upstream_status: "429" } },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" },
    ],
  });
});

it("tells nothing of the cause", () => {
  const error = new GatewayError("It failed.", { reason: "INTERNAL" }, new Error("secret-0123"));
  expect(JSON.stringify(googleError(error))).not.toContain("secret");
});
