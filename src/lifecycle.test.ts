import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { Lifecycle, RouteSchema } from "../gen/polygate/config/v1/config_pb.js";
import { isListed, noticeOf, refusalOf } from "./lifecycle.ts";

const route = (lifecycle: Lifecycle, sunset = "") => create(RouteSchema, { name: "chat", lifecycle, sunset });

it.each([
  [Lifecycle.UNSPECIFIED, true],
  [Lifecycle.DRAFT, false],
  [Lifecycle.PUBLISHED, true],
  [Lifecycle.DEPRECATED, true],
  [Lifecycle.RETIRED, false],
])("lists a route in its state %i: %s", (state, listed) => {
  expect(isListed(route(state))).toBe(listed);
});

it("tells callers of a deprecated route since when, and its last day, as the RFCs write them", () => {
  const at = Date.parse("2026-11-21T14:00:00Z");
  expect(noticeOf(route(Lifecycle.DEPRECATED, "2027-01-31"), at)).toEqual([
    "deprecation",
    `@${Date.parse("2026-11-21T00:00:00Z") / 1000}`,
    "sunset",
    "Sun, 31 Jan 2027 00:00:00 GMT",
  ]);
  expect(noticeOf(route(Lifecycle.DEPRECATED), at)).toHaveLength(2);
  expect(noticeOf(route(Lifecycle.PUBLISHED, "2027-01-31"), at)).toBeUndefined();
});

it("tells callers of a retired route that it is gone, and of a draft nothing", () => {
  expect(refusalOf(route(Lifecycle.RETIRED, "2026-01-31"))!()).toMatchObject({
    http: 410,
    message: 'The route "chat" is retired since 2026-01-31; ask for another one.',
  });
  expect(refusalOf(route(Lifecycle.DRAFT))).toBeUndefined();
});
