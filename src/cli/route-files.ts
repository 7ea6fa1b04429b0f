import { dirname, resolve } from "node:path";
import { type Route, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { decode } from "../config/decode.ts";
import { Origins } from "../config/origins.ts";
import { formatProblem, Report, WHOLE_FILE } from "../config/problems.ts";
import type { Entry, Node } from "../config/tree.ts";
import { parseYaml } from "../config/yaml.ts";
import { readInput } from "./input.ts";
import { CommandFailed, EXIT, type Io } from "./io.ts";

/** Secret settings of each kind of provider, by the kind in lower case with `-`. */
export type SecretSettings = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The routes of a YAML or JSON file: a config file's `routes`, a list of routes, or one route. Secrets are read as in a config file:
 * `$NAME` is a variable of this command's environment, `file:` and a path the content of that file, from the file's own folder.
 * Throws `CommandFailed` with every problem and its place. @param file `-` is standard input.
 */
export async function readRoutes(file: string, secrets: SecretSettings, io: Io): Promise<readonly Route[]> {
  const name = file === "-" ? "stdin" : file;
  const source = await readInput(file, name);
  const report = new Report(name);
  const tree = parseYaml(source, report);
  const found = tree === undefined ? [] : nodesIn(tree, report);
  const routes = found.map(({ node, path }) => decode(RouteSchema, node, path, report, new Origins()));
  if (report.problems.length > 0) throw new CommandFailed(report.problems.map(formatProblem).join("\n"), EXIT.invalid);
  const folder = file === "-" ? process.cwd() : dirname(resolve(file));
  for (const [at, route] of routes.entries())
    await fillSecrets(route, `${name} ${found[at]!.path}`, secrets, folder, io);
  return routes;
}

interface Found {
  readonly node: Node;
  readonly path: string;
}

function nodesIn(tree: Node, report: Report): readonly Found[] {
  if (tree.kind === "list") return tree.items.map((node, at) => ({ node, path: `[${at}]` }));
  if (tree.kind === "table") {
    for (const key of ["routes", "endpoints"]) {
      const entry: Entry | undefined = tree.entries.get(key);
      if (entry?.value.kind === "list") return entry.value.items.map((node, at) => ({ node, path: `${key}[${at}]` }));
    }
    if (tree.entries.has("name")) return [{ node: tree, path: "" }];
  }
  report.problem(WHOLE_FILE, "", "want `routes:` with a list, a list of routes, or one route");
  return [];
}

async function fillSecrets(
  route: Route,
  where: string,
  secrets: SecretSettings,
  folder: string,
  io: Io,
): Promise<void> {
  const models = [route.model, ...route.targets.map(({ model }) => model)];
  for (const model of models) {
    const names = secrets.get(model?.provider.toLowerCase().replaceAll("_", "-") ?? "");
    if (model?.config === undefined || names === undefined) continue;
    for (const [key, value] of Object.entries(model.config))
      if (names.has(key) && typeof value === "string")
        model.config[key] = await secretOf(value, `${where} ${key}`, folder, io);
  }
}

async function secretOf(text: string, where: string, folder: string, { env }: Io): Promise<string> {
  if (text.startsWith("$")) {
    const value = env[text.slice(1)];
    if (value) return value;
    throw new CommandFailed(`${where}: the environment variable ${text.slice(1)} is not set; set it`, EXIT.invalid);
  }
  if (!text.startsWith("file:")) return text;
  const content = await readInput(resolve(folder, text.slice("file:".length)), where);
  return content.toString("utf8").replace(/\r?\n$/, "");
}
