/** Routes that come and go while the gateway answers. */
import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Cause } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { freePort } from "../e2e/servers.ts";
import { chat, clientsOf, runAdmin, simulated, WAYS } from "./gateway.ts";

const FILE = `
admin: { port: 0 }
log: { level: silent }
routes:
  - name: ours
    route_type: llm/v1/chat
    model: { provider: simulator, name: m, config: { reply: from the file } }
`;

it("the API waits for the last worker of a crew, of which the first one answers before", async () => {
  const port = await freePort();
  await using starting = new AsyncDisposableStack();
  const running = runAdmin(FILE, { workers: 4, port });
  starting.defer(async () => (await running)[Symbol.asyncDispose]());
  const url = `http://127.0.0.1:${port}`;
  const open = () =>
    fetch(`${url}/livez`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(open, { interval: 1, timeout: 20_000 }).toBe(200);
  const headers = { "content-type": "application/json", connection: "close" };
  const body = JSON.stringify({ route: simulated("ours", "not the file's") });
  const address = `${url}/polygate.admin.v1.RouteAdminService/CreateRoute`;
  const response = await fetch(address, { method: "POST", headers, body });
  expect([response.status, await response.json()]).toEqual([
    400,
    expect.objectContaining({ code: "failed_precondition", message: expect.stringMatching(/config\.yaml:5/) }),
  ]);
});

describe.each([1, 2])("with %i workers", (workers) => {
  it("a route is made, changed and removed within the call that asks for it", async () => {
    await using running = await runAdmin(FILE, { workers });
    const { url, routes } = running;
    const all = () => Promise.all([1, 2, 3, 4, 5, 6].map(() => chat(url, "new")));
    expect(await chat(url, "ours")).toBe("from the file");
    expect(existsSync(join(running.folder, "polygate.db"))).toBe(false);
    await routes.createRoute({ route: simulated("new", "one") });
    expect(new Set(await all())).toEqual(new Set(["one"]));
    await routes.updateRoute({ route: simulated("new", "two") });
    expect(new Set(await all())).toEqual(new Set(["two"]));
    await routes.deleteRoute({ name: "new" });
    expect(new Set(await all())).toEqual(new Set([404]));
    expect((await stat(join(running.folder, "polygate.db"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(running.folder, "polygate.db.key"))).mode & 0o777).toBe(0o600);
    const { revisions } = await running.revisions.listRevisions({});
    expect(revisions.map(({ number, cause }) => [Number(number), cause])).toEqual([
      [4, Cause.DELETE],
      [3, Cause.UPDATE],
      [2, Cause.CREATE],
      [1, Cause.FILE],
    ]);
  });

  it.each(WAYS)("it is asked by %s, on the port and on the operators' port", async (_, transport) => {
    await using running = await runAdmin(FILE, { workers });
    for (const [index, url] of [running.url, running.operators!].entries()) {
      const { routes, revisions } = clientsOf(transport(url));
      const name = `new-${index}`;
      const abort = new AbortController();
      const seen: bigint[] = [];
      const watching = (async () => {
        for await (const { revision } of routes.watchRoutes({ afterRevision: 0n }, { signal: abort.signal })) {
          seen.push(revision!.number);
        }
      })().catch(() => {});
      await routes.createRoute({ route: simulated(name, "hello") });
      expect(await chat(running.url, name)).toBe("hello");
      const { revision } = await revisions.getRevision({});
      await expect.poll(() => seen.at(-1)).toBe(revision!.number);
      abort.abort();
      await watching;
      await expect(routes.createRoute({ route: simulated(name, "again") })).rejects.toMatchObject({
        code: Code.AlreadyExists,
      });
      await expect(routes.deleteRoute({ name: "ours" })).rejects.toMatchObject({
        code: Code.FailedPrecondition,
        message: expect.stringContaining("config.yaml:5"),
      });
    }
  });

  it("everything is there again after a restart", async () => {
    await using first = await runAdmin(FILE, { workers });
    await first.routes.createRoute({ route: simulated("kept", "still here") });
    await first.close();
    await using second = await runAdmin(FILE, { workers, folder: first.folder });
    expect(await chat(second.url, "kept")).toBe("still here");
    const { revisions } = await second.revisions.listRevisions({});
    expect(revisions).toHaveLength(2);
  });

  it("the file is read again beside the API's routes, and a name has one owner", async () => {
    await using running = await runAdmin(FILE, { workers });
    await running.routes.createRoute({ route: simulated("theirs", "of the api") });
    await writeFile(running.configPath, FILE.replace("from the file", "changed"));
    await expect.poll(() => chat(running.url, "ours"), { timeout: 5_000 }).toBe("changed");
    expect(await chat(running.url, "theirs")).toBe("of the api");
    const { revision } = await running.revisions.getRevision({});
    expect(revision).toMatchObject({ number: 3n, cause: Cause.FILE, author: "file" });
    await writeFile(running.configPath, FILE.replace("name: ours", "name: theirs"));
    // A file that is broken does not keep the API from being used.
    await running.routes.updateRoute({ route: simulated("theirs", "changed by the api") });
    expect(await chat(running.url, "theirs")).toBe("changed by the api");
    expect(await chat(running.url, "ours")).toBe("changed");
  });
});

it("keeps secrets sealed in the store, and never shows them", async () => {
  const canary = "sk-canary-4f1d77a0c3";
  await using running = await runAdmin(FILE);
  const model = { provider: "openai", name: "m", config: { openai_api_key: canary } };
  const { route } = await running.routes.createRoute({ route: { name: "new", routeType: "llm/v1/chat", model } });
  expect(JSON.stringify(route, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
    canary,
  );
  const error = await running.routes
    .createRoute({ route: { name: "bad", routeType: "llm/v1/chat", model: { ...model, provider: "nope" } } })
    .catch((thrown: unknown) => String(thrown));
  expect(error).not.toContain(canary);
  await running.close();
  for (const file of ["polygate.db", "polygate.db-wal"]) {
    const bytes = await readFile(join(running.folder, file)).catch(() => Buffer.alloc(0));
    expect(bytes.includes(canary), file).toBe(false);
  }
});

it("refuses writes where there is no store, and says how to have one", async () => {
  await using running = await runAdmin(`store: none\n${FILE}`);
  await expect(running.routes.createRoute({ route: simulated("new", "x") })).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    message: expect.stringContaining("set store in"),
  });
  expect((await running.routes.listRoutes({})).routes.map(({ name }) => name)).toEqual(["ours"]);
});

it("refuses to start with another key than the store was sealed with", async () => {
  await using first = await runAdmin(FILE);
  await first.routes.createRoute({ route: simulated("kept", "x") });
  await first.close();
  await writeFile(join(first.folder, "polygate.db.key"), `${Buffer.alloc(32, 7).toString("base64")}\n`);
  await expect(runAdmin(FILE, { folder: first.folder })).rejects.toMatchObject({
    name: "StoreRefused",
    exitCode: 2,
    message: expect.stringMatching(/^store: encryption_key is another one; set the key whose id is [0-9a-f]{8}/),
  });
});

it("refuses to start without the key beside the store, and says where it was", async () => {
  await using first = await runAdmin(FILE);
  await first.routes.createRoute({ route: simulated("kept", "x") });
  await first.close();
  const file = join(first.folder, "polygate.db.key");
  await rm(file);
  await expect(runAdmin(FILE, { folder: first.folder })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(new RegExp(`whose id is [0-9a-f]{8}.*${file}\\.$`)),
  });
});
