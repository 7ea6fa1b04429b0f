import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../../core/json.ts";
import { openai } from "../facts.ts";
import { type Part, partsOf } from "./layout.ts";
import { UNSURE } from "./wire.ts";

/** Puts a field's value where the common shape has it. Throws `UNSURE` where the field, or its oneof, was set before. */
export function putterOf(part: Part, { name, message }: DescField): (into: JsonObject, value: Json) => void {
  if (part.kind === "tagged") {
    return (into, value) => {
      if (into["type"] !== undefined) throw UNSURE;
      into["type"] = name;
      into[name] = value;
    };
  }
  const member = part.name;
  // Twice the same scalar: the last one counts. Twice the same message: both do, and oneofs drop the first.
  if (part.kind === "field" && message === undefined) {
    return (into, value) => {
      into[member] = value;
    };
  }
  return (into, value) => {
    if (into[member] !== undefined) throw UNSURE;
    into[member] = value;
  };
}

/** Names that a message's `extra` should not have: of its own members, and of what belongs to the gateway. */
export function knownOf(desc: DescMessage): ReadonlySet<string> {
  const known = new Set(openai.own);
  for (const part of partsOf(desc)) {
    known.add(part.name);
    if (part.kind === "tagged") for (const { name } of part.fields) known.add(name);
  }
  return known;
}
