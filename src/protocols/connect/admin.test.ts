import { createClient } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { RouteAdminService } from "../../../gen/polygate/admin/v1/route_admin_pb.js";
import { failure, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";
import type { Actor, AdminApi } from "../../core/admin.ts";
import { ANYBODY } from "../../core/grants.ts";
import type { Door } from "../../core/site.ts";

/** An admin API that tells what it is asked, and whose streams end when they are told to. */
function recording() {
  const asked: [string, unknown, Actor][] = [];
  const api: AdminApi = {
    async call(method, request, actor) {
      asked.push([method, request, actor]);
      return { revision: 7n };
    },
    async *stream(method, request, actor, signal) {
      asked.push([method, request, actor]);
      yield { revision: { number: 1n } };
      await new Promise<void>((end) => signal.addEventListener("abort", () => end()));
    },
    refused() {},
  };
  return { asked, api };
}

it.each(WIRES)("asks the gateway's admin API over %s, in its caller's name", async (_, transportOf) => {
  await using open = await openRpc(provider());
  const { asked, api } = recording();
  (open.door as { admin?: Door["admin"] }).admin = api;
  const client = createClient(RouteAdminService, transportOf(open.url));
  expect((await client.deleteRoute({ name: "chat" }, { headers: { "x-request-id": "mine" } })).revision).toBe(7n);
  expect(asked).toEqual([
    [
      "polygate.admin.v1.RouteAdminService/DeleteRoute",
      expect.objectContaining({ name: "chat" }),
      { principal: ANYBODY, remote: "127.0.0.1", requestId: "mine" },
    ],
  ]);
});

it.each(WIRES)("ends a stream over %s when the gateway stops", async (_, transportOf) => {
  await using open = await openRpc(provider());
  (open.door as { admin?: Door["admin"] }).admin = recording().api;
  const client = createClient(RouteAdminService, transportOf(open.url));
  const seen: (bigint | undefined)[] = [];
  const watched = (async () => {
    for await (const { revision } of client.watchRoutes({})) {
      seen.push(revision?.number);
      open.door.stopping = true;
      open.change();
    }
  })();
  expect(await failure(watched)).toMatchObject({ reason: "SHUTTING_DOWN" });
  expect(seen).toEqual([1n]);
});

it("says so where there is none", async () => {
  await using open = await openRpc(provider());
  const client = createClient(RouteAdminService, WIRES[0]![1](open.url));
  expect(await failure(client.listRoutes({}))).toMatchObject({ reason: "OPERATION_UNSUPPORTED" });
});
