import { expect, it } from "vitest";
import { speechOf } from "./speech.ts";

it.each([
  ["2.5.0", "legacy"],
  ["2.8.1", "legacy"],
  ["1.30.0", "legacy"],
  ["2.9.0", "modern"],
  ["2.10.2", "modern"],
  ["3.17.2", "modern"],
])("hears MLflow's client %s as %s, whatever its keys say", (version, format) => {
  const agent = `mlflow-python-client/${version}`;
  expect(speechOf(agent, "chat", ["candidate_count"]).format).toBe(format);
  expect(speechOf(agent, "embeddings", ["input"]).format).toBe(format);
});

it.each([
  ["chat", ["messages", "candidate_count"], "legacy"],
  ["completions", ["prompt", "candidate_count"], "legacy"],
  ["embeddings", ["text"], "legacy"],
  ["embeddings", ["text", "input"], "modern"],
  ["chat", ["messages", "candidate_count", "n"], "modern"],
  ["chat", ["messages", "text"], "modern"],
  ["completions", ["prompt"], "modern"],
] as const)("hears a stranger's %s with %j as %s", (op, keys, format) => {
  expect(speechOf("curl/8.5.0", op, keys).format).toBe(format);
  expect(speechOf(undefined, op, keys).format).toBe(format);
});
