import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { ChangeKind, ChangeSchema } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { ExplainRouteResponseSchema } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { changeLines } from "./changes.ts";
import { explanation } from "./explanation.ts";
import { failureOf } from "./failure.ts";

const EVIL = "a\u001b[2Jb\u009b31mc\u202ed\r\u0007";
const STEERS = /(?!\n)[\p{Cc}\u202e]/u;

it("what others wrote into a route does not steer the terminal of who looks at it", () => {
  const told = explanation(
    create(ExplainRouteResponseSchema, {
      route: { name: EVIL, routeType: "llm/v1/chat" },
      refusal: EVIL,
      targets: [{ target: { model: { provider: "openai", name: EVIL } }, headers: { "x-a": EVIL }, body: EVIL }],
    }),
  );
  expect(told).toContain("openai/a?[2Jb?31mc?d??");
  expect(told).not.toMatch(STEERS);
});

it("nor do changes and refusals", () => {
  const value = { kind: { case: "stringValue" as const, value: EVIL } };
  const change = create(ChangeSchema, {
    route: EVIL,
    kind: ChangeKind.UPDATED,
    fields: [{ path: `labels.${EVIL}`, before: value, after: value }],
  });
  expect(changeLines([change]).join("\n")).not.toMatch(STEERS);
  const info = { desc: ErrorInfoSchema, value: { reason: "FIELD_INVALID", domain: "polygate" } };
  const { lines } = failureOf(new ConnectError(EVIL, Code.InvalidArgument, undefined, [info]), "http://127.0.0.1");
  expect(lines).toEqual(["a?[2Jb?31mc?d??"]);
  const { lines: unreached } = failureOf(new ConnectError(EVIL, Code.Unknown), "http://127.0.0.1");
  expect(unreached.join("\n")).not.toMatch(STEERS);
});
