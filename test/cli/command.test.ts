/** The command line as a person or a script meets it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { polygate, startGateway } from "../support/gateway.ts";

const route = (name: string) => `
  - name: ${name}
    route_type: llm/v1/chat
    model: { provider: simulator, name: simulator-chat }`;
const BROKEN = `
routes:
  - name: chat
    route_tipe: llm/v1/chat
    model: { provider: simulater, name: x }
`;

let folder: string;
const file = async (name: string, text: string) => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polygate-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("polygate", () => {
  it("says its version", async () => {
    expect(await polygate(["--version"])).toMatchObject({ code: 0, out: `${manifest.version}\n` });
  });

  it("explains itself on a command that it does not have", async () => {
    const { code, err } = await polygate(["strat"]);
    expect(code).toBe(1);
    expect(err).toContain("Did you mean start?");
  });
});

describe("polygate check", () => {
  it("prints every problem with its place and what to do, and exits 1", async () => {
    const path = await file("broken.yaml", BROKEN);
    const good = await file("good.yaml", `routes:${route("chat")}\n`);
    const { code, out } = await polygate(["check", path, good]);
    const lines = out.trim().split("\n");
    expect(code).toBe(1);
    expect(lines).toContainEqual(expect.stringMatching(/broken\.yaml:4:5 routes\[0\]\.route_tipe: .*route_type/));
    expect(lines).toContainEqual(expect.stringMatching(/broken\.yaml:5:\d+ routes\[0\]\.model\.provider: .*simulator/));
    expect(lines.at(-1)).toMatch(/good\.yaml: ok, 1 route$/);
  });

  it("exits 0 when all is well", async () => {
    expect(await polygate(["check", await file("well.yaml", `routes:${route("chat")}\n`)])).toMatchObject({ code: 0 });
  });

  it("names a file that is not there", async () => {
    const { code, out } = await polygate(["check", join(folder, "nowhere.yaml")]);
    expect(code).toBe(1);
    expect(out).toContain("nowhere.yaml");
  });
});

describe("polygate start", () => {
  it("with a broken config prints the same lines as check and exits 2", async () => {
    const path = await file("broken.yaml", BROKEN);
    const [started, checked] = await Promise.all([
      polygate(["start", "--config-path", path, "--port", "0"]),
      polygate(["check", path]),
    ]);
    expect(started.code).toBe(2);
    expect(started.err.trim().split("\n")).toEqual(checked.out.trim().split("\n"));
  });

  it("with a port that is taken says so in one line", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const path = await file("good.yaml", `routes:${route("chat")}\n`);
    const { code, err } = await polygate(["start", "--config-path", path, "--port", String(port)]);
    server.close();
    expect(code).toBe(1);
    expect(err).toBe(
      `polygate: port ${port} on 127.0.0.1 is taken; stop what uses it, or choose another with --port.\n`,
    );
  });

  it("without keys is for this machine alone, unless somebody says otherwise", async () => {
    const path = await file("open.yaml", `routes:${route("chat")}\n`);
    const { code, err } = await polygate(["start", "--config-path", path, "--host", "0.0.0.0", "--port", "0"]);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/auth: missing, .* list keys under auth, or write `auth: none`/),
    ]);
    const said = `auth: none\nroutes:${route("chat")}\n`;
    for (const [text, args, env] of [
      [said, [], {}],
      [`routes:${route("chat")}\n`, ["--auth", "none"], {}],
      [`routes:${route("chat")}\n`, ["--workers", "2"], { POLYGATE_AUTH: "none" }],
    ] as const) {
      await using gateway = await startGateway(text, { env, args: ["--host", "0.0.0.0", ...args] });
      expect((await fetch(`${gateway.url}/v1/models`)).status).toBe(200);
      expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
      const list = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
      expect((await fetch(`${gateway.url}/polygate.admin.v1.RouteAdminService/ListRoutes`, list)).status).toBe(403);
    }
    const odd = await polygate(["start", "--config-path", path, "--auth", "off"]);
    expect([odd.code, odd.err]).toEqual([1, expect.stringContaining("Allowed choices are none")]);
  });

  it.each(["0x50", "-1", "65536", "http"])("refuses the port %s", async (port) => {
    const { code, err } = await polygate(["start", "--port", port]);
    expect(code).toBe(1);
    expect(err).toContain("whole number from 0 to 65535");
  });

  it("takes MLflow's variables, and the flag before them", async () => {
    const path = await file("path.yaml", `routes:${route("by-path")}\n`);
    const plain = await file("plain.yaml", `routes:${route("by-plain")}\n`);
    const names = async (env: Record<string, string>, config?: string) => {
      await using gateway = await startGateway(config, { env });
      const { data } = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { data: { id: string }[] };
      return data.map(({ id }) => id);
    };
    const both = { MLFLOW_GATEWAY_CONFIG_PATH: path, MLFLOW_GATEWAY_CONFIG: plain };
    expect(await names(both)).toEqual(["by-path"]);
    expect(await names({ MLFLOW_GATEWAY_CONFIG: plain })).toEqual(["by-plain"]);
    expect(await names({ MLFLOW_DEPLOYMENTS_CONFIG: plain })).toEqual(["by-plain"]);
    expect(await names(both, `routes:${route("by-flag")}\n`)).toEqual(["by-flag"]);
  });

  it.each(["1", "2"])("prints lines that work where callers need a key, with %s workers", async (workers) => {
    const config = `
listen: { host: 0.0.0.0 }
admin: { host: "::", port: 0 }
auth: { keys: [{ name: ann, key: $POLYGATE_KEY }] }
routes:${route("chat")}
`;
    const env = { POLYGATE_KEY: "a-key-that-is-long-enough" };
    await using gateway = await startGateway(config, { env, args: ["--workers", workers] });
    await gateway.logged(
      /^polygate is listening on http:\/\/127\.0\.0\.1:\d+ and every other address of this machine$/m,
    );
    const [, url, key] = await gateway.logged(
      /^ {2}curl: +curl (\S+) -H "Authorization: (Bearer \$POLYGATE_KEY)" -H /m,
    );
    const [, body] = await gateway.logged(/^ {2}curl: .* -d '(.*)'$/m);
    const headers = {
      authorization: key!.replace("$POLYGATE_KEY", env.POLYGATE_KEY),
      "content-type": "application/json",
    };
    expect((await fetch(url!, { method: "POST", headers, body: body! })).status).toBe(200);
    await gateway.logged(/^ {2}grpcurl: +grpcurl -plaintext -H "Authorization: Bearer \$POLYGATE_KEY" -d /m);
    const [, admin] = await gateway.logged(/^ {2}admin: +(http:\S+) /m);
    expect((await fetch(`${admin}/livez`)).status).toBe(200);
    const [, docs] = await gateway.logged(/^ {2}docs: +(.*)$/m);
    expect((await fetch(docs!)).status).toBe(200);
    await gateway.logged(/"path":"\/docs"/);
    expect(gateway.log.match(/"msg":"config loaded"/g)).toHaveLength(1);
  });

  it("names a simulated model that the config does not name", async () => {
    const config = "routes: [{ name: chat, route_type: llm/v1/chat, model: { provider: simulator } }]\n";
    await using gateway = await startGateway(config, {});
    const list = await (await fetch(`${gateway.url}/api/2.0/endpoints/`)).json();
    expect(list).toMatchObject({ endpoints: [{ model: { name: "simulator", provider: "simulator" } }] });
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hello" }] });
    const headers = { "content-type": "application/json" };
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body });
    expect(reply.headers.get("x-polygate-served")).toContain("; model=simulator; ");
    await gateway.logged(/"route":"chat","revision":\d+,"provider":"simulator","model":"simulator"/);
  });

  it("without a config serves the quickstart, and prints lines that work", async () => {
    await using gateway = await startGateway(undefined, {});
    const [, curl] = await gateway.logged(/^ {2}curl: +curl (.*)$/m);
    const [, url, type, body] = /^(\S+) -H 'content-type: (\S+)' -d '(.*)'$/.exec(curl!)!;
    const reply = await fetch(url!, { method: "POST", headers: { "content-type": type! }, body: body! });
    expect(reply.status).toBe(200);
    expect(await reply.text()).toContain("simulated");
    const [, docs] = await gateway.logged(/^ {2}docs: +(.*)$/m);
    expect((await fetch(docs!)).status).toBe(200);
    await gateway.logged(
      /^ {2}grpcurl: +grpcurl -plaintext -d '.*' 127\.0\.0\.1:\d+ polygate\.v1\.ChatService\/Chat$/m,
    );
  });
});
