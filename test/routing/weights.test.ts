/** Calls that are spread over targets by weight: the file, the draw, the failover, and what the caller is told. */
import { createClient } from "@connectrpc/connect";
import { afterEach, expect, it } from "vitest";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { WIRES } from "../support/rpc.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
});

const simulator = (name: string, config = "") => `{ provider: simulator, name: ${name}, config: { ${config} } }`;
const FAILING = "faults: [{ status: 503 }]";
const chat = (...targets: string[]) => `
log: { level: silent }
routes:
  - name: chat
    route_type: llm/v1/chat
    targets:
${targets.map((target) => `      - ${target}`).join("\n")}
`;

/** A gateway whose chance gives `count` numbers that lie evenly, from 0 on. */
async function start(config: string, count: number): Promise<void> {
  let at = 0;
  running = await runGateway(config, undefined, () => (at++ % count) / count);
}

async function ask(model = "chat"): Promise<string> {
  const response = await fetch(`${running!.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
  const served = /model=(\w+); target=(\d); attempt=(\d)/.exec(response.headers.get("x-polygate-served") ?? "");
  return `${response.status} ${served?.slice(1).join(" ")}`;
}

/** How often each answer came. */
async function asked(times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let call = 0; call < times; call++) {
    const answer = await ask();
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

it("gives each target its exact share", async () => {
  await start(chat(`{ weight: 90, model: ${simulator("old")} }`, `{ weight: 10, model: ${simulator("fresh")} }`), 100);
  expect(await asked(100)).toEqual({ "200 old 0 1": 90, "200 fresh 1 1": 10 });
});

it("tells over gRPC, too, which target answered", async () => {
  await start(chat(`{ weight: 1, model: ${simulator("old")} }`, `{ weight: 3, model: ${simulator("fresh")} }`), 4);
  const client = createClient(ChatService, WIRES[0]![1](running!.url));
  const message = { role: Role.USER, content: { case: "text" as const, value: "Hello" } };
  const answers = [];
  for (let call = 0; call < 4; call++) answers.push(await client.chat({ model: "chat", messages: [message] }));
  expect(answers.map(({ served }) => `${served?.target} ${served?.model}`)).toEqual([
    "0 old",
    "1 fresh",
    "1 fresh",
    "1 fresh",
  ]);
});

it("counts a target without a weight as 1 beside one that has some", async () => {
  await start(chat(`{ model: ${simulator("old")} }`, `{ weight: 3, model: ${simulator("fresh")} }`), 4);
  expect(await asked(4)).toEqual({ "200 old 0 1": 1, "200 fresh 1 1": 3 });
});

it("asks the others in their order when the one that was drawn fails, and one of weight 0 only then", async () => {
  const targets = [
    `0, model: ${simulator("last")}`,
    `1, model: ${simulator("bad", FAILING)}`,
    `1, model: ${simulator("good")}`,
  ];
  await start(chat(...targets.map((target) => `{ weight: ${target} }`)), 2);
  expect(await asked(4)).toEqual({ "200 last 0 2": 2, "200 good 2 1": 2 });
});

it("without any weight asks the first, and draws nothing", async () => {
  running = await runGateway(
    chat(`{ model: ${simulator("old")} }`, `{ model: ${simulator("fresh")} }`),
    undefined,
    () => {
      throw new Error("nobody asked for chance");
    },
  );
  expect(await asked(3)).toEqual({ "200 old 0 1": 3 });
});

it("spreads by new weights after a reload", async () => {
  const of = (old: number, fresh: number) =>
    chat(`{ weight: ${old}, model: ${simulator("old")} }`, `{ weight: ${fresh}, model: ${simulator("fresh")} }`);
  await start(of(1, 0), 10);
  expect(await asked(10)).toEqual({ "200 old 0 1": 10 });
  expect(await running!.reload(of(0, 1))).toBe(true);
  expect(await asked(10)).toEqual({ "200 fresh 1 1": 10 });
});

it("spreads over the routes that a split of MLflow 3 names, which go on by themselves", async () => {
  const endpoint = (name: string) => `- { name: ${name}, endpoint_type: llm/v1/chat, model: ${simulator(name)} }`;
  await start(
    `
log: { level: silent }
endpoints:
${endpoint("old")}
${endpoint("fresh")}
routes:
- name: chat
  task_type: llm/v1/chat
  destinations: [{ name: old, traffic_percentage: 70 }, { name: fresh, traffic_percentage: 30 }]
`,
    10,
  );
  expect(await asked(10)).toEqual({ "200 old 0 1": 7, "200 fresh 1 1": 3 });
  expect(await ask("fresh")).toBe("200 fresh 0 1");
});
