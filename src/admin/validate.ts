import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Validator } from "@bufbuild/protovalidate";
import { errors, type Violation } from "../core/errors.ts";
import { matches } from "../core/pattern.ts";

let loading: Promise<Validator> | undefined;

/**
 * Holds a request to the `buf.validate` rules of its proto, for callers that did not come by a protocol that does. Throws
 * FIELD_INVALID with every rule that is broken. What does it takes 100 ms to load, so it waits for the first admin call.
 */
export async function assertValid(desc: DescMessage, message: Message): Promise<void> {
  loading ??= import("@bufbuild/protovalidate").then(({ createValidator }) => createValidator({ regexMatch: matches }));
  const result = (await loading).validate(desc, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return;
  const violations = result.violations.map((one) => ({ field: pathToString(one.field), description: one.message }));
  throw errors.fieldInvalid(violations as [Violation, ...Violation[]]);
}
