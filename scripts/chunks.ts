import type { CodeSplittingGroup, Plugin } from "rolldown";

const START = /[/\\]src[/\\](run-gateway|protocols[/\\]\w+[/\\]index|stores[/\\]memory[/\\]index)\.ts$/;
const CLIENT = /[/\\]src[/\\]client[/\\]index\.ts$/;
const CHECK = /[/\\]src[/\\](check|(providers|policies)[/\\]\w+[/\\]index)\.ts$/;
/** Reads files that lie beside it. */
const STAYS = /[/\\]src[/\\]protocols[/\\]docs[/\\]/;

/**
 * Puts together what every start loads: Node takes about half a millisecond to find, read and link a file, however small, and by
 * itself the bundler makes one for each set of entries that share a module. What the client needs, and what `check` and the
 * providers need, are files of their own: who imports those takes no more.
 */
export function startChunks(): { readonly plugin: Plugin; readonly groups: CodeSplittingGroup[] } {
  const [started, asked, checked] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const plugin: Plugin = {
    name: "start-chunks",
    buildEnd() {
      const add = (id: string, all: Set<string>) => {
        if (all.has(id)) return;
        all.add(id);
        for (const one of this.getModuleInfo(id)?.importedIds ?? []) add(one, all);
      };
      for (const id of this.getModuleIds()) {
        if (START.test(id)) add(id, started);
        if (CLIENT.test(id)) add(id, asked);
        if (CHECK.test(id)) add(id, checked);
      }
    },
  };
  const moves = (id: string) => started.has(id) && !START.test(id) && !STAYS.test(id);
  const groups: CodeSplittingGroup[] = [
    { name: "shared", test: (id) => moves(id) && asked.has(id) },
    { name: "config", test: (id) => moves(id) && checked.has(id) },
    { name: "gateway", test: moves },
  ];
  return { plugin, groups };
}
