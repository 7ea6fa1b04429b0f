import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { WatchRoutesRequestSchema } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { actorOf, adminUnderTest, keyMethods, routes } from "../../test/support/admin.ts";
import { ADMIN, principalOf } from "../core/grants.ts";

it("a stream tells nothing more once its key was ended, and goes on while it is good", async () => {
  const { ask, api, clock } = await adminUnderTest();
  const scopes = [{ realm: Realm.ADMIN }];
  const { key } = await ask(keyMethods.createKey, { name: "watcher", scopes });
  const stop = new AbortController();
  const actor = actorOf(principalOf("watcher", key!.id, [ADMIN]));
  const request = create(WatchRoutesRequestSchema, {});
  const stream = api.stream("polygate.admin.v1.RouteAdminService/WatchRoutes", request, actor, stop.signal);
  const events = stream[Symbol.asyncIterator]();
  const add = (name: string) => {
    const route = { name, routeType: "llm/v1/chat", model: { provider: "simulator", name: "m" } };
    return ask(routes.createRoute, { route });
  };
  const next = events.next();
  await add("first");
  expect((await next).done).toBe(false);
  clock.advance(1_000);
  await add("second");
  expect((await events.next()).done).toBe(false);
  await ask(keyMethods.revokeKey, { id: key!.id });
  clock.advance(1_000);
  await add("third");
  await expect(events.next()).rejects.toMatchObject({ fault: { reason: "CALLER_UNKNOWN" } });
});
