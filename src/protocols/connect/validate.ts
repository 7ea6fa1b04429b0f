import type { DescMessage, Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Violation as Broken, Validator } from "@bufbuild/protovalidate";
import { errors, type Violation } from "../../core/errors.ts";
import { matches } from "../../core/pattern.ts";
import type { Door } from "../../core/site.ts";
import { straysIn } from "../../dialects/proto/strays.ts";

/** How long after the first call the rules are compiled, which takes about 100 ms of work: it is answered before. */
const WARM_AFTER_MS = 500;

let loaded: Validator | undefined;
let loading: Promise<Validator> | undefined;

/**
 * Holds a request to the `buf.validate` rules of its proto; a few microseconds once the rules are compiled.
 * Throws FIELD_INVALID with every rule that is broken, by the field's path: `messages[0].role`.
 *
 * @returns A promise while the rules are not loaded yet.
 */
export function check(desc: DescMessage, message: Message): Promise<void> | undefined {
  if (loaded === undefined) return load().then((validator) => hold(validator, desc, message));
  hold(loaded, desc, message);
  return undefined;
}

function hold(validator: Validator, desc: DescMessage, message: Message): void {
  const result = validator.validate(desc, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") {
    const [first, ...more] = straysIn(desc, message);
    if (first) throw errors.fieldInvalid([first, ...more]);
    return;
  }
  throw errors.fieldInvalid(result.violations.map(violation) as [Violation, ...Violation[]]);
}

function violation({ field, message, ruleId }: Broken): Violation {
  const last = field.at(-1);
  // An enum that must not be left out is told by its numbers; a caller knows its names.
  const values =
    ruleId === "enum.not_in" && last?.kind === "field" && last.enum?.values.filter(({ number }) => number > 0);
  const description = values ? `must be one of ${values.map(({ name }) => name).join(", ")}` : message;
  return { field: pathToString(field), description };
}

/**
 * What to call when a call arrives: soon after the first, the rules are compiled, one message at a time, so that no caller
 * waits for all of them. A gateway that nobody calls so is spared the 13 MB of what compiles them.
 */
export function warmer({ clock }: Pick<Door, "clock">, descs: readonly DescMessage[]): () => void {
  let begun = false;
  const one = (at: number) => {
    const desc = descs[at];
    if (desc === undefined) return;
    void load().then((validator) => {
      validator.validate(desc, create(desc));
      clock.after(0, () => one(at + 1));
    });
  };
  return () => {
    if (begun) return;
    begun = true;
    clock.after(WARM_AFTER_MS, () => one(0));
  };
}

function load(): Promise<Validator> {
  loading ??= import("@bufbuild/protovalidate").then(({ createValidator }) => {
    loaded = createValidator({ regexMatch: matches });
    return loaded;
  });
  return loading;
}
