import { statSync } from "node:fs";
import { resolve } from "node:path";

/** What the text of a secret names, when it is no variable. */
export type Meant =
  /** A file, which may be missing: then it is missed, and its name is never taken for the secret. */
  | { readonly kind: "file"; readonly path: string }
  /** Perhaps a file that is missing, perhaps a secret: neither to be sent nor to be shown. `path`: where the file would be. */
  | { readonly kind: "unsure"; readonly path: string }
  /** The secret itself. */
  | { readonly kind: "text" };

/**
 * Tells a file's name from a secret. `file:` before a name settles it. An existing file, and one that an earlier load
 * read, is a file. So is what begins like a path: `./`, `../`, `~/`, `C:\`, or a folder that is there. What else has a
 * slash, or ends as files do, is unsure: a file's name that is sent as a key tells it to the provider, and a key that is
 * shown as a file's name tells it to the log. Long random base64, such as an AWS secret key, is a secret in spite of its slash.
 *
 * @param folder A relative path starts here, or else at the working directory, as MLflow's do.
 * @param known Absolute paths of files that earlier loads read.
 */
export function meantBy(text: string, folder: string, known: ReadonlySet<string>): Meant {
  const explicit = text.startsWith("file:");
  const name = explicit ? text.slice("file:".length) : text;
  // No system has longer paths, and a longer text is a key: MLflow died of looking one up.
  const possible = name.length <= 4096 && !/[\0\n]/.test(name);
  if (!possible && !explicit) return { kind: "text" };
  const candidates = possible ? [resolve(folder, name), resolve(name)] : [];
  const path = candidates[0] ?? folder;
  const there = candidates.find((one) => kindOf(one) === "file" || known.has(one));
  if (there !== undefined) return { kind: "file", path: there };
  if (explicit || /^(?:\.{1,2}|~|[A-Za-z]:)[/\\]./.test(text) || startsInFolder(text, folder))
    return { kind: "file", path };
  return looksLikePath(text) && !looksRandom(text) ? { kind: "unsure", path } : { kind: "text" };
}

/** Whether a text looks as a config file refers to a variable or a file, by its letters alone. */
export function isReference(text: string): boolean {
  if (/^\$\{?[A-Za-z_]\w*\}?$/.test(text) || text.startsWith("file:")) return true;
  if (/^(?:\.{1,2}|~|[A-Za-z]:)[/\\]./.test(text)) return true;
  return looksLikePath(text) && !looksRandom(text);
}

/** Whether the first part of a longer path is a folder that is there. */
function startsInFolder(text: string, folder: string): boolean {
  const root = /^([/\\]?[^/\\]+)[/\\]./.exec(text)?.[1];
  return root !== undefined && [resolve(folder, root), resolve(root)].some((one) => kindOf(one) === "folder");
}

/** What stands in JSON or a URL is no path: a service account's key is JSON, with slashes. */
function looksLikePath(text: string): boolean {
  return (
    /^[^\s"'<>{}|?*:;,]*[/\\][^\s"'<>{}|?*:;,]*$/.test(text) ||
    /^[\w.-]+\.(txt|key|pem|token|secret|env|json|ya?ml)$/i.test(text)
  );
}

/** Long base64 whose neighbours are mostly of different classes: 64% in random text, under 30% in names of people's making. */
function looksRandom(text: string): boolean {
  if (!/^[A-Za-z0-9+/]{32,}={0,2}$/.test(text)) return false;
  const classes: string[] = Array.from(text, (one) =>
    /[a-z]/.test(one) ? "a" : /[A-Z]/.test(one) ? "A" : /\d/.test(one) ? "0" : "+",
  );
  const changes = classes.filter((one, index) => index > 0 && one !== classes[index - 1]).length;
  return ["a", "A", "0"].every((one) => classes.includes(one)) && changes > 0.4 * text.length;
}

function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() ? "file" : stat.isDirectory() ? "folder" : undefined;
  } catch {
    return undefined;
  }
}
