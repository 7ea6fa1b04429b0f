import { describe, expect, it } from "vitest";
import type { ReplyHeaders } from "../../core/provider.ts";
import { bedrockFault, streamFault } from "./fault.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SECRET = "wJalrXUtnFEMI/K7MDENG";

function judged(status: number, type: string, json: object | string, headers: ReplyHeaders = {}) {
  let refused = 0;
  const parts = { tools: { wallNow: () => NOW }, secrets: [SECRET], refused: () => refused++ };
  const body = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  const error = bedrockFault(parts, status, { ...(type && { "x-amzn-errortype": type }), ...headers }, body);
  return { error, refused };
}

describe("a refusal of Bedrock's", () => {
  it("about the request keeps status, name, words and the request's id", () => {
    const headers = { "x-amzn-requestid": "5f6d9b2e" };
    const { error } = judged(400, "ValidationException:http://internal.amazon.com/coral/", { message: "No." }, headers);
    expect(error).toMatchObject({
      message: "No.",
      http: 400,
      fault: {
        reason: "UPSTREAM_REJECTED",
        code: "ValidationException",
        upstreamStatus: 400,
        upstreamRequestId: "5f6d9b2e",
      },
    });
  });

  it("is known by its name where its status says something else", () => {
    expect(judged(400, "ServiceQuotaExceededException", { message: "m" }).error).toMatchObject({
      http: 429,
      fault: { reason: "UPSTREAM_BUSY", upstreamStatus: 400 },
    });
    expect(judged(424, "ModelErrorException", { message: "Oops." }).error).toMatchObject({
      message: "The provider bedrock failed with ModelErrorException. It says: Oops.",
      http: 502,
      fault: { reason: "UPSTREAM_FAILED", upstreamStatus: 424 },
    });
  });

  it.each([
    [403, "", { Message: "Not for you." }, "UPSTREAM_CREDENTIALS"],
    [503, "", "<html>", "UPSTREAM_FAILED"],
    [429, "", {}, "UPSTREAM_BUSY"],
    [418, "TeapotException", { message: "I am one." }, "UPSTREAM_REJECTED"],
    [400, "", { __type: "com.amazon.coral.service#ThrottlingException", message: "m" }, "UPSTREAM_BUSY"],
  ])("with status %i, the name %j and the body %j is %s", (status, type, body, reason) => {
    expect(judged(status, type, body).error.fault).toMatchObject({ reason, upstreamStatus: status });
  });

  it("of the credential says its words to the log alone, and never a secret", () => {
    const said = `User arn:aws:iam::1:user/x with ${SECRET} is not authorized`;
    const { error, refused } = judged(403, "AccessDeniedException", { message: said });
    expect(error.message).not.toContain("arn:");
    expect(String(error.cause)).toBe("AccessDeniedException: User arn:aws:iam::1:user/x with *** is not authorized");
    expect(refused).toBe(0);
  });

  it.each(["ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException"])(
    "with %s asks for other keys",
    (type) => {
      expect(judged(403, type, { message: "m" })).toMatchObject({
        refused: 1,
        error: { fault: { reason: "UPSTREAM_CREDENTIALS" } },
      });
    },
  );

  it.each([
    [-10, "10 minutes behind"],
    [61, "61 minutes ahead"],
  ])("explains a clock that is %i minutes off", (minutes, words) => {
    const date = new Date(NOW - minutes * 60_000).toUTCString();
    const message =
      "Signature expired: 20260102T030405Z is now earlier than 20260102T031405Z (20260102T030905Z - 5 min.)";
    const { error } = judged(403, "InvalidSignatureException", { message }, { date });
    expect(error.message).toContain(`the gateway's clock is ${words}`);
    expect(error.fault.reason).toBe("UPSTREAM_CREDENTIALS");
  });

  it("does not blame a clock that is right", () => {
    const headers = { date: new Date(NOW - 20_000).toUTCString() };
    expect(
      judged(403, "InvalidSignatureException", { message: "does not match" }, headers).error.message,
    ).not.toContain("clock");
  });
});

describe("a failure within a stream", () => {
  it.each([
    ["throttlingException", "UPSTREAM_BUSY", 429],
    ["modelStreamErrorException", "UPSTREAM_FAILED", 502],
    ["internalServerException", "UPSTREAM_FAILED", 502],
    ["serviceUnavailableException", "UPSTREAM_FAILED", 502],
    ["modelTimeoutException", "DEADLINE_PASSED", 504],
    ["validationException", "UPSTREAM_REJECTED", 400],
    ["accessDeniedException", "UPSTREAM_CREDENTIALS", 502],
    ["somethingNewException", "UPSTREAM_FAILED", 502],
  ])("of the name %s is %s", (type, reason, http) => {
    const parts = { tools: { wallNow: () => NOW }, secrets: [], refused: () => {} };
    const error = streamFault(parts, { "x-amzn-requestid": "r1" }, type, { message: "It broke." });
    expect(error).toMatchObject({ http, fault: { reason, upstreamStatus: 200, upstreamRequestId: "r1" } });
  });
});
