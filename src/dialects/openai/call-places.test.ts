import { expect, it } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { CallPlaces } from "./call-places.ts";

const begin = (id: string, index?: number): JsonObject => ({
  ...(index !== undefined && { index }),
  id,
  function: { name: "look", arguments: "" },
});
const more = (index?: number, id?: string): JsonObject => ({
  ...(index !== undefined && { index }),
  ...(id !== undefined && { id }),
  function: { arguments: "{}" },
});

it.each<[string, JsonObject[], number[]]>([
  ["by their index", [begin("a", 0), begin("b", 1), more(0), more(1)], [0, 1, 0, 1]],
  ["that all have one index, by their ids", [begin("a", 0), more(0), begin("b", 0), more(0)], [0, 0, 1, 1]],
  ["without an index, by their ids", [begin("a"), more(), begin("b"), more()], [0, 0, 1, 1]],
  ["whose pieces repeat what they are", [begin("a", 0), begin("a", 0), begin("b", 1)], [0, 0, 1]],
  ["whose pieces have an id each", [begin("a", 0), more(0, "x"), more(0, "")], [0, 0, 0]],
])("tells calls apart %s", (_, pieces, places) => {
  const calls = new CallPlaces();
  expect(pieces.map((piece) => calls.of(piece))).toEqual(places);
});
