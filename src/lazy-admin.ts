import type { AdminParts } from "./admin/parts.ts";
import type { AdminApi } from "./core/admin.ts";

/**
 * The admin API over one ledger, loaded when it is first asked for something: no call to a model needs it, and it is a tenth of
 * what a start would load.
 *
 * @param ready The first worker of a crew takes calls before the last one is there; what they ask waits until there is a site to ask
 *   about.
 */
export function lazyAdminApi(parts: AdminParts, ready: Promise<void>): AdminApi {
  let loading: Promise<AdminApi> | undefined;
  const load = () => {
    loading ??= import("./admin/api.ts").then(({ createAdminApi }) => createAdminApi(parts));
    return loading;
  };
  return {
    async call(...asked) {
      await ready;
      return (await load()).call(...asked);
    },
    async *stream(...asked) {
      await ready;
      yield* (await load()).stream(...asked);
    },
    refused(...asked) {
      load().then((api) => api.refused(...asked), parts.failed);
    },
  };
}
