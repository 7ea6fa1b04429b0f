import type { JsonObject } from "../../core/json.ts";
import type { RouteInfo } from "../../core/site.ts";

/**
 * Routes as Anthropic lists models, all on one page. When they were made is when the config was loaded.
 *
 * @param loadedAt In RFC 3339's form.
 * @see https://docs.claude.com/en/api/models-list
 */
export function modelsList(routes: readonly RouteInfo[], loadedAt: string): JsonObject {
  const data = routes.map((route) => modelInfo(route, loadedAt));
  return { data, has_more: false, first_id: routes[0]?.name ?? null, last_id: routes.at(-1)?.name ?? null };
}

/** One route, likewise. */
export function modelInfo({ name }: RouteInfo, loadedAt: string): JsonObject {
  return { type: "model", id: name, display_name: name, created_at: loadedAt };
}
