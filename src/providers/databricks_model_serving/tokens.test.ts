import { fromJson } from "@bufbuild/protobuf";
import { afterAll, beforeEach, expect, it } from "vitest";
import { DatabricksModelServingSettingsSchema } from "../../../gen/providers/databricks_model_serving/v1/settings_pb.js";
import { json } from "../../../test/support/canned.ts";
import { fakeUpstream } from "../../../test/support/fake-upstream.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { realClock } from "../../net/clock.ts";
import { egressOf } from "../../net/egress.ts";
import { Dialer } from "../../net/send.ts";
import { provider } from "./index.ts";

const workspace = await fakeUpstream();
const dialer = new Dialer();
afterAll(async () => {
  await dialer.close();
  await workspace.close();
});

let now = 0;
beforeEach(() => {
  now = 1_750_000_000_000;
});

function opened() {
  const settings = { host: workspace.url, client_id: "app-1", client_secret: "dose-1" };
  const dialing = { connectMs: 1000, maxConnections: 10, egress: egressOf([], "file") };
  return provider.open(fromJson(DatabricksModelServingSettingsSchema, settings), {
    clock: realClock,
    wallNow: () => now,
    random: () => 0,
    dial: (origin) => dialer.to(origin, dialing),
  });
}

async function tokenOf(upstream: ReturnType<typeof opened>): Promise<string | undefined> {
  const call = callOf(planOf([]), false);
  const { headers } = await upstream.encode(call, call.body, "endpoint");
  return headers[headers.indexOf("authorization") + 1];
}

it("asks the workspace for a token once, and again before it ends or when it was refused", async () => {
  const before = workspace.hits;
  workspace.always(() =>
    json({ access_token: `lent-${workspace.hits - before}`, expires_in: 3600, token_type: "Bearer" }),
  );
  const upstream = opened();
  expect(await Promise.all([tokenOf(upstream), tokenOf(upstream)])).toEqual(["Bearer lent-1", "Bearer lent-1"]);
  const { method, url, headers, body } = await workspace.exchange(before);
  expect([method, url, String(body)]).toEqual([
    "POST",
    "/oidc/v1/token",
    "grant_type=client_credentials&scope=all-apis",
  ]);
  expect(headers["authorization"]).toBe(`Basic ${Buffer.from("app-1:dose-1").toString("base64")}`);
  now += 3_590_000;
  expect(await tokenOf(upstream)).toBe("Bearer lent-2");
  now += 60_000;
  const error = upstream.fault(401, {}, Buffer.from('{"message":"lent-2 is revoked"}'));
  expect(`${error.message} ${String(error.cause)}`).not.toContain("lent-2");
  expect(await tokenOf(upstream)).toBe("Bearer lent-3");
});

it("says that the credential is wrong when there is no token, without the secret", async () => {
  workspace.always(json({ error: "invalid_client", error_description: "dose-1 is wrong" }, 401));
  await expect(tokenOf(opened())).rejects.toMatchObject({
    message: "Databricks gave no token (invalid_client); the operator must check client_id and client_secret.",
    fault: { reason: "UPSTREAM_CREDENTIALS", upstreamStatus: 401 },
  });
});
