import { expect, it } from "vitest";
import { kinds } from "../kinds.ts";
import { load } from "./load.ts";
import { formatProblems } from "./problems.ts";
import { sharesOf } from "./shares.ts";

const endpoint = (name: string, type = "llm/v1/chat") =>
  `- { name: ${name}, endpoint_type: ${type}, model: { provider: simulator, name: ${name} } }`;
const ENDPOINTS = `endpoints:\n${["a", "b"].map((name) => endpoint(name)).join("\n")}\n${endpoint("v", "llm/v1/embeddings")}\n`;
const split = (...destinations: string[]) =>
  `${ENDPOINTS}routes:\n- { name: s, task_type: llm/v1/chat, destinations: [${destinations.join(", ")}] }\n`;
const to = (name: string, percent: number | string) => `{ name: ${name}, traffic_percentage: ${percent} }`;

async function read(text: string) {
  const { config, problems, warnings } = await load({ file: "f", text }, { kinds });
  const lines = formatProblems([...problems, ...warnings]);
  return { config, lines: lines === "" ? [] : lines.split("\n") };
}

it("takes MLflow 3's splits beside its endpoints, in either order of the file", async () => {
  const text = split(to("a", 70), to("b", 30)).replace(
    "llm/v1/chat, dest",
    "llm/v1/chat, routing_strategy: TRAFFIC_SPLIT, dest",
  );
  const [endpoints, routes] = text.split("routes:");
  for (const file of [text, `routes:${routes}${endpoints}`]) {
    const { config, lines } = await read(file);
    expect(lines).toEqual([]);
    const route = config.routes.find(({ name }) => name === "s")!;
    expect(sharesOf(route, config).map(({ model, weight }) => [model.name, weight])).toEqual([
      ["a", 70],
      ["b", 30],
    ]);
    expect(config.routes.map(({ name }) => name).sort()).toEqual(["a", "b", "s", "v"]);
  }
});

it.each([
  [[to("a", 50), to("b", 40)], ["f:6:52 routes[0].destinations: the percentages make 90; make them 100"]],
  [[to("zzz", 100)], ['f:6:61 routes[0].destinations[0].name: no route is called "zzz"']],
  [
    [to("v", 100)],
    ['f:6:61 routes[0].destinations[0].name: "v" is of type llm/v1/embeddings; want one of type llm/v1/chat'],
  ],
  [[to("s", 100)], ['f:6:61 routes[0].destinations[0].name: "s" has no model of its own; name a route that has']],
  [
    [to("a", 130), to("b", -30)],
    [
      "f:6:84 routes[0].destinations[0].traffic_percentage: want at most 100, have 130",
      expect.stringContaining("routes[0].destinations[1].traffic_percentage: want"),
    ],
  ],
  [["{ name: a }"], ["f:6:53 routes[0].destinations[0].traffic_percentage: missing; add it"]],
  [[], ["f:6:52 routes[0].destinations: empty; name a route, or give a model"]],
])("refuses the destinations %j", async (destinations, lines) => {
  expect((await read(split(...destinations))).lines).toEqual(lines);
});

it("refuses a split that has the name of an endpoint, and one that has a model, too", async () => {
  const text = split(to("a", 100));
  expect((await read(text.replace("name: s,", "name: a,"))).lines).toEqual([
    "f:6:11 routes[0].name: the route on line 2 has this name too; rename one of them",
  ]);
  expect((await read(text.replace("destinations:", "model: { provider: simulator }, destinations:"))).lines).toEqual([
    "f:6:84 routes[0].destinations: cannot stand beside model; remove one of them",
  ]);
});

it("refuses weights of which none gets a call", async () => {
  const target = "{ weight: 0, model: { provider: simulator, name: a } }";
  const text = `routes:\n- { name: s, route_type: llm/v1/chat, targets: [${target}, ${target}] }\n`;
  expect((await read(text)).lines).toEqual([
    "f:2:48 routes[0].targets: every weight is 0, and nobody would answer; give one of them more",
  ]);
  expect((await read(text.replace("weight: 0", "weight: much"))).lines).toEqual([
    expect.stringContaining("routes[0].targets[0].weight: want a whole number"),
  ]);
});
