import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { folderOf } from "../../test/support/folder.ts";
import { digestOf } from "./files.ts";
import { type Watching, watch } from "./watch.ts";

/** A watch of these files as they are now. `changed()` settles at the next change that was not yet asked for. */
async function watching(
  ...files: string[]
): Promise<{ changed: () => Promise<void>; seen: () => number; watching: Watching }> {
  let calls = 0;
  let asked = 0;
  let wake = () => {};
  const read = { files, digest: await digestOf(files) };
  const running = watch(read, () => {
    calls++;
    wake();
  });
  onTestFinished(() => running.close());
  const changed = async () => {
    asked++;
    while (calls < asked) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { changed, seen: () => calls, watching: running };
}

const replace = (path: string, content: string) => {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
};

/** As the kubelet does it: a new folder, a new link, renamed over the old one. */
function swap(volume: string, version: number, content: string): void {
  const [folder, link] = [join(volume, `..v${version}`), join(volume, "..data_tmp")];
  mkdirSync(folder);
  writeFileSync(join(folder, "polygate.yaml"), content);
  symlinkSync(`..v${version}`, link);
  renameSync(link, join(volume, "..data"));
  rmSync(join(volume, `..v${version - 1}`), { recursive: true, force: true });
}

describe("watch calls for", () => {
  it("writes in place, again and again", async () => {
    const file = join(folderOf({ "f.yaml": "0" }), "f.yaml");
    const { changed, seen } = await watching(file);
    for (const content of ["1", "2", "3"]) {
      writeFileSync(file, content);
      await changed();
    }
    expect(seen()).toBe(3);
  });

  it("a rename over the file, again and again", async () => {
    const file = join(folderOf({ "f.yaml": "0" }), "f.yaml");
    const { changed } = await watching(file);
    for (const content of ["1", "2", "3"]) {
      replace(file, content);
      await changed();
    }
  });

  it("a Kubernetes ConfigMap's swap, again and again", async () => {
    const volume = folderOf();
    swap(volume, 1, "1");
    symlinkSync("..data/polygate.yaml", join(volume, "polygate.yaml"));
    const { changed } = await watching(join(volume, "polygate.yaml"));
    for (const version of [2, 3, 4]) {
      swap(volume, version, String(version));
      await changed();
    }
  });

  it("a write behind a link into another folder, and the link's own change", async () => {
    const folder = folderOf({ "real/a.yaml": "0", "real/b.yaml": "0" });
    const link = join(folder, "f.yaml");
    symlinkSync(join(folder, "real/a.yaml"), link);
    const { changed } = await watching(link);
    writeFileSync(join(folder, "real/a.yaml"), "1");
    await changed();
    rmSync(link);
    symlinkSync("real/b.yaml", link);
    await changed();
    replace(join(folder, "real/b.yaml"), "2");
    await changed();
  });

  it("a folder on the way that is a link, such as `current`", async () => {
    const folder = folderOf({ "v1/f.yaml": "1", "v2/f.yaml": "2" });
    symlinkSync("v1", join(folder, "current"));
    const { changed } = await watching(join(folder, "current/f.yaml"));
    symlinkSync("v2", join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "current"));
    await changed();
    writeFileSync(join(folder, "v2/f.yaml"), "3");
    await changed();
  });

  it("a file that goes away, and one that comes back", async () => {
    const file = join(folderOf({ "f.yaml": "0" }), "f.yaml");
    const { changed } = await watching(file);
    rmSync(file);
    await changed();
    writeFileSync(file, "0");
    await changed();
  });

  it("a file whose whole folder goes and comes back", async () => {
    const folder = folderOf({ "sub/f.yaml": "0" });
    const { changed } = await watching(join(folder, "sub/f.yaml"));
    rmSync(join(folder, "sub"), { recursive: true });
    await changed();
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/f.yaml"), "1");
    await changed();
  });

  it("any of the files, in any folder", async () => {
    const folder = folderOf({ "f.yaml": "0", "keys/openai": "sk-1\n" });
    const { changed } = await watching(join(folder, "f.yaml"), join(folder, "keys/openai"));
    replace(join(folder, "keys/openai"), "sk-2\n");
    await changed();
    writeFileSync(join(folder, "f.yaml"), "1");
    await changed();
  });

  it("what changed between the load and the watch", async () => {
    const file = join(folderOf({ "f.yaml": "1" }), "f.yaml");
    const changed = new Promise<void>((resolve) => {
      const running = watch({ files: [file], digest: "of what was there before" }, resolve);
      onTestFinished(() => running.close());
    });
    await changed;
  });
});

describe("watch", () => {
  it("follows a newer load's files, with what changed since", async () => {
    const folder = folderOf({ "f.yaml": "0", key: "sk-1" });
    const [file, key] = [join(folder, "f.yaml"), join(folder, "key")];
    const { changed, watching: running } = await watching(file);
    const files = [file, key];
    const digest = await digestOf(files);
    writeFileSync(key, "sk-2");
    running.follow({ files, digest });
    await changed();
    writeFileSync(key, "sk-3");
    await changed();
  });

  it("does not call for a touch, the same content, or another file; the next true change is the first call", async () => {
    const folder = folderOf({ "f.yaml": "0" });
    const file = join(folder, "f.yaml");
    const { changed, seen } = await watching(file);
    utimesSync(file, new Date(), new Date());
    replace(file, "0");
    writeFileSync(join(folder, "other.yaml"), "1");
    replace(join(folder, "marker"), "x");
    writeFileSync(file, "1");
    await changed();
    expect(seen()).toBe(1);
  });

  it("notices a change in well under a second of a machine that has time", async () => {
    const file = join(folderOf({ "f.yaml": "0" }), "f.yaml");
    const { changed } = await watching(file);
    const took: number[] = [];
    for (const content of ["1", "2", "3", "4", "5"]) {
      const begun = performance.now();
      replace(file, content);
      await changed();
      took.push(performance.now() - begun);
    }
    // The best of five: other work on the machine delays some.
    expect(Math.min(...took)).toBeLessThan(500);
  });

  it("calls no more after close", async () => {
    const folder = folderOf({ "f.yaml": "0", "g.yaml": "0" });
    const [file, other] = [join(folder, "f.yaml"), join(folder, "g.yaml")];
    const closed = await watching(file);
    const open = await watching(file, other);
    await closed.watching.close();
    writeFileSync(file, "1");
    await open.changed();
    writeFileSync(other, "1");
    await open.changed();
    expect(closed.seen()).toBe(0);
  });
});
