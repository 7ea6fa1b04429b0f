import type { Methods } from "./method.ts";
import type { AdminParts } from "./parts.ts";

/** Not there yet. */
export function routeMethods(_parts: AdminParts): Methods {
  return { unary: {} };
}
