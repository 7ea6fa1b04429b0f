/** A config that changes while the gateway answers. */
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { realTools } from "../../src/gateway.ts";
import { Ring } from "../../src/keyring.ts";
import { Dialer } from "../../src/net/send.ts";
import { loadStore } from "../../src/registry.ts";
import { openSite } from "../../src/site.ts";
import { startGateway } from "../../src/start.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { keptLog } from "../support/log.ts";
import { chatConfig, runGateway } from "./gateway.ts";

const QUIET = "log: { level: silent }";
const delta = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

async function ask(url: string, stream = false): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", stream, messages: [{ role: "user", content: "hi" }] }),
  });
}

/** The model that upstream was asked for is in its echo. */
const echo = (exchange: { json: unknown }) => ({
  headers: { "content-type": "application/json" },
  body: [JSON.stringify({ model: (exchange.json as { model: string }).model, choices: [] })],
});
const modelOf = async (url: string) => ((await (await ask(url)).json()) as { model: string }).model;

it("is used by new requests within a second, however the file is changed", async () => {
  await using fake = await fakeUpstream(echo);
  const config = (model: string) => chatConfig(fake.url, QUIET).replace("gpt-4o", model);
  await using running = await runGateway(config("one"));
  const { configPath, url } = running;
  expect(await modelOf(url)).toBe("one");
  const seen = (model: string) => expect.poll(() => modelOf(url), { timeout: 1_000, interval: 20 }).toBe(model);
  await writeFile(configPath, config("in-place"));
  await seen("in-place");
  await writeFile(`${configPath}.new`, config("renamed"));
  await rename(`${configPath}.new`, configPath);
  await seen("renamed");
  await rm(configPath);
  await writeFile(configPath, config("made-again"));
  await seen("made-again");
});

it("is noticed when Kubernetes swaps a ConfigMap", async () => {
  await using fake = await fakeUpstream(echo);
  const config = (model: string) => chatConfig(fake.url, QUIET).replace("gpt-4o", model);
  await using outer = await runGateway(config("unused"));
  const folder = join(dirname(outer.configPath), "mount");
  const put = async (name: string, model: string) => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "config.yaml"), config(model));
    await symlink(name, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  await put("..2026_01", "first");
  await symlink("..data/config.yaml", join(folder, "config.yaml"));
  const gateway = await startGateway({ configPath: join(folder, "config.yaml"), port: 0 });
  const url = `http://127.0.0.1:${gateway.port}`;
  try {
    expect(await modelOf(url)).toBe("first");
    await put("..2026_02", "second");
    await rm(join(folder, "..2026_01"), { recursive: true });
    await expect.poll(() => modelOf(url), { timeout: 1_000, interval: 20 }).toBe("second");
  } finally {
    await gateway.close();
  }
});

it("that is broken changes nothing, and is counted", async () => {
  await using fake = await fakeUpstream(echo);
  await using running = await runGateway(chatConfig(fake.url, QUIET));
  const failures = async () => {
    const text = await (await fetch(`${running.url}/metrics`)).text();
    return Number(/^polygate_config_reload_failures_total (\d+)/m.exec(text)?.[1]);
  };
  expect(await failures()).toBe(0);
  await writeFile(running.configPath, "routes:\n  - name: chat\n    route_tipe: llm/v1/chat\n");
  await expect.poll(failures, { timeout: 1_000, interval: 20 }).toBe(1);
  expect(await modelOf(running.url)).toBe("gpt-4o");
  await writeFile(running.configPath, chatConfig(fake.url, QUIET).replace("gpt-4o", "mended"));
  await expect.poll(() => modelOf(running.url), { timeout: 1_000, interval: 20 }).toBe("mended");
});

it.each(["keys/openai", "openai"])(
  "keeps the key of a file %s that is deleted, and never sends its name",
  async (name) => {
    await using fake = await fakeUpstream(echo);
    await using running = await runGateway("routes: []\n");
    const file = join(dirname(running.configPath), name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "sk-of-the-file\n");
    const config = chatConfig(fake.url).replace("sk-test", name);
    expect(await running.reload(config)).toBe(true);
    await rm(dirname(name) === "." ? file : dirname(file), { recursive: true });
    expect(await running.reload(config)).toBe(false);
    expect(await running.reload("routes: [")).toBe(false);
    expect(await running.reload(config)).toBe(false);
    await modelOf(running.url);
    expect(fake.exchanges.at(-1)!.headers.authorization).toBe("Bearer sk-of-the-file");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "sk-of-the-new-file\n");
    await expect.poll(() => running.gateway.live.site.generation, { timeout: 2_000, interval: 20 }).toBe(3);
    await modelOf(running.url);
    expect(fake.exchanges.at(-1)!.headers.authorization).toBe("Bearer sk-of-the-new-file");
  },
);

it("is told what it cannot change before a restart, and its warnings", async () => {
  const { log, lines } = keptLog();
  await using running = await runGateway("routes: []\n", log);
  const told = () =>
    lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === "config warning");
  expect(await running.reload("listen: { port: 5000, cors: { allowed_origins: ['*'] } }\nroutes: []\n")).toBe(true);
  expect(told().map(({ problem }) => problem)).toEqual([expect.stringMatching(/config\.yaml:2:9 routes: no routes;/)]);
  const changed =
    "listen: { port: 5002, idle_timeout: 9s }\nlog: { level: warn }\ndrain_timeout: 9s\nadmin: {}\nroutes: []\n";
  expect(await running.reload(changed)).toBe(true);
  const words = "changed, and read at start only; the gateway goes on with what it was started with";
  expect(told().slice(2)).toEqual(
    ["listen.port", "listen.idle_timeout", "drain_timeout", "log.level", "admin.host", "admin.port"].map((name) =>
      expect.objectContaining({ level: "warn", problem: `${running.configPath} ${name}: ${words}` }),
    ),
  );
});

it("is not looked at by a gateway that others tell", async () => {
  await using running = await runGateway("routes: []\n");
  const { configPath } = running;
  const parts = {
    source: () => configPath,
    dialer: new Dialer(),
    tools: realTools,
    counters: (await loadStore("memory")).openCounters!(realTools.clock, 10),
    keys: new Ring(),
    hooks: [],
    secrets: () => {},
    watchFailed: () => {},
    followed: () => {},
    reloaded: () => {},
  };
  const alone = (await openSite({ ...parts, watched: true })).live!;
  const told = (await openSite({ ...parts, watched: false })).live!;
  await writeFile(configPath, "drain_timeout: 1s\nroutes: []\n");
  await expect.poll(() => alone.site.generation, { timeout: 2_000, interval: 20 }).toBe(2);
  expect(told.site.generation).toBe(1);
  await Promise.all([alone.close(), told.close(), parts.dialer.close()]);
});

it("lets a stream under way finish on the route that it began with", async () => {
  await using fake = await fakeUpstream();
  await using running = await runGateway(chatConfig(fake.url, QUIET));
  let goOn: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  fake.always({
    headers: { "content-type": "text/event-stream" },
    body: [delta("a"), gate, delta("b", "stop"), "data: [DONE]\n\n"],
  });
  const reply = await ask(running.url, true);
  expect(await running.reload(`${QUIET}\nroutes: []\n`)).toBe(true);
  expect((await ask(running.url)).status).toBe(404);
  goOn();
  expect(await reply.text()).toBe(`${delta("a")}${delta("b", "stop")}data: [DONE]\n\n`);
});

it("fails no request while it changes a hundred times under load", async () => {
  await using one = await fakeUpstream(echo);
  await using two = await fakeUpstream(echo);
  await using running = await runGateway(chatConfig(one.url, QUIET));
  const statuses = new Map<number, number>();
  let stop = false;
  const load = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const reply = await ask(running.url);
      await reply.arrayBuffer();
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
    }
  });
  for (let i = 1; i <= 100; i++) {
    expect(await running.reload(chatConfig(i % 2 === 0 ? one.url : two.url, QUIET))).toBe(true);
  }
  stop = true;
  await Promise.all(load);
  expect([...statuses.keys()]).toEqual([200]);
  expect(two.hits).toBeGreaterThan(0);
  expect(running.gateway.live.site.generation).toBeGreaterThan(100);
});
