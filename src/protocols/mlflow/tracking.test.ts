import { expect, it } from "vitest";
import { siteOf } from "../../../test/support/door.ts";
import { exchange } from "../../../test/support/exchange.ts";
import { targetOf } from "../../../test/support/plan.ts";
import { principalOf } from "../../core/grants.ts";
import type { Inbound } from "../../core/protocol.ts";
import { getSplit } from "./listing.ts";
import { getTracked, listTracked } from "./tracking.ts";

const target = targetOf(() => ({ pause() {}, resume() {}, abort() {} }));
const site = siteOf(["mine", "theirs"].map((name) => ({ name, type: "llm/v1/chat", targets: [target] })));
const ann = principalOf("ann", "", [{ realm: "inference", operations: ["chat"], routes: ["mine"] }]);

/** What `act` tells ann. */
function told(act: (inbound: Inbound) => void, query = ""): { status: number; text: string } {
  let answer = { status: 0, text: "" };
  const send: Inbound["send"] = (status, _, body) => {
    answer = { status, text: body.toString() };
  };
  act(exchange({ method: "GET", query, principal: ann, send }));
  return answer;
}

it("tells a caller of the routes that it may use, and of no others", () => {
  const { endpoints } = JSON.parse(told((inbound) => listTracked(site, inbound)).text) as {
    endpoints: { name: string }[];
  };
  expect(endpoints.map(({ name }) => name)).toEqual(["mine"]);
  const get = (name: string) => told((inbound) => getTracked(site, inbound), `name=${name}`).status;
  expect([get("mine"), get("theirs")]).toEqual([200, 404]);
  const split = (name: string) => told((inbound) => getSplit(site, inbound, name)).status;
  expect([split("mine"), split("theirs")]).toEqual([200, 404]);
});
