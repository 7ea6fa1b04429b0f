import { describe, expect, it } from "vitest";
import { ask, refusalOf } from "../../../test/support/simulator.ts";
import { embed } from "./embeddings.ts";

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe("a simulated embedding", () => {
  it("is a vector of 256 numbers and length 1 for each text, in order", async () => {
    const { json } = await ask("embeddings", { model: "m", input: ["one text", "another one"] });
    expect(json).toMatchObject({ object: "list", model: "simulator/m", usage: { prompt_tokens: 5, total_tokens: 5 } });
    expect(json.data.map(({ index }) => index)).toEqual([0, 1]);
    const [one, other] = json.data.map(({ embedding }) => embedding as number[]);
    expect(one!.length).toBe(256);
    expect(Math.hypot(...one!)).toBeCloseTo(1, 6);
    expect(one).not.toEqual(other);
    expect(one).toEqual([...embed("one text", 256)].map((value) => expect.closeTo(value, 8)));
  });

  it.each([1, 2, 8, 1024, 4096])("has %i dimensions when so many are asked for", async (dimensions) => {
    const { json } = await ask("embeddings", { model: "m", input: "some words here", dimensions });
    const vector = json.data[0]!.embedding as number[];
    expect(vector.length).toBe(dimensions);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
  });

  it("is the same in base64, which the SDKs ask for", async () => {
    const plain = await ask("embeddings", { model: "m", input: [1, 2, 3] });
    const { json } = await ask("embeddings", { model: "m", input: [1, 2, 3], encoding_format: "base64" });
    const bytes = Buffer.from(json.data[0]!.embedding as string, "base64");
    const floats = Array.from({ length: 256 }, (_, i) => bytes.readFloatLE(i * 4));
    expect(bytes.length).toBe(256 * 4);
    expect(floats).toEqual((plain.json.data[0]!.embedding as number[]).map(Math.fround));
  });

  it("is near those of alike texts and far from others", () => {
    const near = [
      ["The cat sat on the mat", "the  CAT sat on a mat."],
      ["How do I reset my password?", "resetting passwords"],
      ["vector database", "databases of vectors"],
    ] as const;
    const [first, second] = [near.map(([a]) => embed(a, 256)), near.map(([, b]) => embed(b, 256))];
    for (const [i, vector] of first.entries()) {
      const likeness = second.map((other) => cosine(vector, other));
      const own = likeness[i]!;
      expect(own).toBeGreaterThan(0.25);
      for (const [j, other] of likeness.entries()) if (j !== i) expect(own - other).toBeGreaterThan(0.2);
    }
    expect(cosine(embed("Same text", 256), embed("same  TEXT", 256))).toBeCloseTo(1, 6);
  });

  it.each(["   ", "!?", "😀", "\ud800", "a b", "東京"])("has length 1 for %j too", (text) => {
    for (const dimensions of [1, 2, 256]) {
      expect(Math.hypot(...embed(text, dimensions))).toBeCloseTo(1, 6);
    }
  });

  it.each([
    ["input", {}],
    ["input", { input: [] }],
    ["input", { input: "" }],
    ["input", { input: ["a", ""] }],
    ["input", { input: ["a", 1] }],
    ["input", { input: "word ".repeat(300_001) }],
    ["input", { input: Array.from({ length: 1000 }, () => "a"), dimensions: 2000 }],
    ["dimensions", { input: "a", dimensions: 0 }],
    ["dimensions", { input: "a", dimensions: 4097 }],
    ["encoding_format", { input: "a", encoding_format: "hex" }],
  ])("is refused for a bad %s with 400", async (param, request) => {
    expect(await refusalOf("embeddings", { model: "m", ...request })).toMatchObject({ status: 400, param });
  });
});
