import { expect, it } from "vitest";
import { bareServer } from "../../test/support/bare-server.ts";
import { connectorOf } from "./connector.ts";
import { egressOf } from "./egress.ts";

const FILE = egressOf([], "file");

it("opens a connection, and tells of it once", async () => {
  await using server = await bareServer((socket) => void socket.resume());
  const told: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connectorOf(
    server.origin,
    2_000,
    FILE,
  )((...result) => {
    told.push(result);
    resolve();
  })!;
  await promise;
  socket.destroy(new Error("later"));
  await expect.poll(() => server.open).toBe(0);
  expect(told).toEqual([[null, socket]]);
});

it("tells when it was given up before it was open, and waits for nothing any more", async () => {
  await using server = await bareServer((socket) => void socket.resume());
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const socket = connectorOf(server.origin, 60_000, FILE)((...[error]) => resolve(error))!;
  expect(timers()).toBe(before + 1);
  socket.destroy();
  expect(await promise).toMatchObject({ message: "closed before it was open" });
  expect(timers()).toBe(before);
});

it("opens nothing where it may not", async () => {
  await using server = await bareServer(() => {});
  const { promise, resolve } = Promise.withResolvers<unknown>();
  expect(connectorOf(server.origin, 2_000, egressOf([], "api"))((...[error]) => resolve(error))).toBeUndefined();
  expect(await promise).toMatchObject({ code: "EGRESS_REFUSED" });
  expect(server.accepted).toBe(0);
});
