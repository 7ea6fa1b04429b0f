import { writeFileSync } from "node:fs";
import { type DescField, type DescMessage, type DescOneof, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { default_text, policy } from "../gen/polygate/options/v1/options_pb.js";
import { otherNames } from "../src/config/mlflow.ts";
import { given, oneofRequired, rulesOf } from "../src/config/rules.ts";
import { isSecret } from "../src/config/secrets.ts";
import { enumForm } from "../src/config/values.ts";
import { loadProtos, type Protos } from "./openapi/protos.ts";

/** Where the reference is kept. */
export const CONFIG_DOCS = new URL("../docs/config.md", import.meta.url);

const INTRO = `# The config file

Made from the protos by \`node scripts/docs-config.ts\`; do not edit.

One YAML or JSON file; \`polygate check FILE\` prints every problem of it as \`file:line:column key: what; what to do\`. Examples:
[quickstart.yaml](../examples/quickstart.yaml), [openai](../examples/openai/polygate.yaml),
[failover](../examples/failover/polygate.yaml), [mlflow](../examples/mlflow/config.yaml).

- **A duration** is \`500ms\`, \`30s\`, \`5m\`, \`1h\`, or a number of seconds.
- **A size** is a number of bytes, or \`64KiB\`, \`32MiB\`, \`1GiB\` (1,024 each), \`64kB\`, \`32MB\`, \`1GB\` (1,000 each).
- **A secret** is \`$NAME\`, an environment variable; the path of a file, whose content it is without the final newline and which
  is read again when it changes; or the secret itself, with a warning. A relative path starts at the config file's folder, or else
  at the working directory. Environment variables are those that the gateway was started with.
- **A secret's file that is missing** is a problem, and never sends its name to a provider as the key. A file is meant where one
  exists or was read before; after \`file:\`, as in \`file:openai-key\`; and by what begins with \`./\`, \`../\`, \`~/\` (which is not
  expanded), a drive or a folder that exists. What else has a slash or a backslash and no white space, or ends as files do (\`.key\`,
  \`.txt\`, \`.pem\`, \`.token\`, \`.json\` ...), is refused as unclear: a key that looks like this goes into a variable or a file.
  Long random base64, such as an AWS secret key, is taken for the secret that it is.
- **Keys** that are not listed here are refused. A key with nothing behind it counts as absent.
- **Anchors, aliases and merge keys** of YAML (\`&a\`, \`*a\`, \`<<: *a\`) may be used. Tags and a second document may not, and a file
  has at most 4 MiB, 100,000 lines and 200,000 tokens (about 4,000 routes).
- **MLflow's file** is a subset of this one; its other names for keys are given below.

A change of the file, or of a file that it names, is live in well under a second: calls that are under way end on the old routes.
A file with a problem changes nothing, and its problems are logged. Where a mount gives no events (NFS, some containers), start the
gateway with \`CHOKIDAR_USEPOLLING=1\`. \`listen\` (but for \`listen.cors\`), \`admin\`, \`log\` and \`drain_timeout\` are read
at start only: a change of them is a warning in the log.
`;

/** The page as it should be. */
export function configDocsText(): string {
  const protos = loadProtos();
  const config = protos.message("polygate.config.v1.Config");
  const files = [...protos.registry.files];
  const kindsOf = (family: string) =>
    files
      .flatMap((file) => {
        const kind = new RegExp(`^${family}/([^/]+)/v\\d\\w*/settings$`).exec(file.name)?.[1];
        const settings = file.messages.find(({ name }) => name.endsWith("Settings"));
        return kind !== undefined && settings ? [{ kind, settings }] : [];
      })
      .sort((a, b) => a.kind.localeCompare(b.kind));
  return [
    INTRO,
    ...sections(protos, config, "The file", 2),
    "## Policies\n\nWhat is done about every call; [policies.md](policies.md) tells more.\n",
    ...kindsOf("policies").flatMap(({ kind, settings }) =>
      sections(protos, settings, policyTitle(kind), 3, ` of ${kind}`),
    ),
    "## Providers\n\nWhat stands in a model's `config`, by its `provider`.\n",
    ...kindsOf("providers").flatMap(({ kind, settings }) =>
      sections(protos, settings, `Provider ${kind}`, 3, ` of ${kind}`),
    ),
  ].join("\n");
}

/** A message and all that it holds, each once, in the order in which they are met. */
function sections(protos: Protos, root: DescMessage, title: string, level: number, suffix = ""): string[] {
  const titles = new Map([[root, title]]);
  for (const [message] of titles) {
    for (const { message: inner } of message.fields) {
      if (inner && !isWellKnown(inner)) titles.set(inner, titles.get(inner) ?? `${inner.name}${suffix}`);
    }
  }
  return [...titles].map(([message, heading]) => {
    const groups = message.oneofs.map((oneof) => groupOf(protos, oneof));
    const about = [withoutName(protos.comment(message), message.name), ...groups].join("\n\n");
    const rows = message.fields.map((field) => row(protos, field, titles));
    const table = ["| key | value | default | |", "|---|---|---|---|", ...rows].join("\n");
    return `${"#".repeat(message === root ? level : level + 1)} ${heading}\n\n${about}\n\n${table}\n`;
  });
}

function row(protos: Protos, field: DescField, titles: ReadonlyMap<DescMessage, string>): string {
  const comment = protos.comment(field).replaceAll("\n\n", "<br>");
  const required = comment.startsWith("Required.");
  const fallback = hasOption(field, default_text) ? getOption(field, default_text) : "";
  const names = otherNames(field.parent, field.name).map((name) => `\`${name}\``);
  const about = [
    required ? comment.slice("Required.".length).trim() : comment,
    ...(names.length > 0 ? [`In MLflow's files: ${names.join(", ")}.`] : []),
  ].join(" ");
  const cells = [`\`${field.name}\``, forms(field, titles), required ? "**required**" : fallback, about];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function groupOf(protos: Protos, oneof: DescOneof): string {
  const names = oneof.fields.map(({ name }) => `\`${name}\``).join(", ");
  const comment = protos.comment(oneof).replace(/(^|\s*)Required\.\s*/, "");
  return `${oneofRequired(oneof) ? "Exactly one" : "At most one"} of ${names}: ${comment}`;
}

function forms(field: DescField, titles: ReadonlyMap<DescMessage, string>): string {
  const rules = rulesOf(field);
  const type = rules?.type;
  const ofItem = type?.case === "repeated" ? type.value.items : rules;
  const wants = isSecret(field) ? [] : given(ofItem).map(({ want }) => want);
  // A list of what is allowed says all about the value, and so does the one value.
  const exact = wants.find((want) => want.startsWith("one of ") || want === "true");
  const lowerFirst = wants.toSorted((a, b) => Number(a.startsWith("at most")) - Number(b.startsWith("at most")));
  const value = exact ?? [plainOf(field, titles), ...lowerFirst].join(", ");
  if (field.fieldKind === "list") return `list of: ${value}`;
  return field.fieldKind === "map" ? `table of: ${value}` : value;
}

function plainOf(field: DescField, titles: ReadonlyMap<DescMessage, string>): string {
  if (isSecret(field)) return "secret";
  if (field.enum) return enumForm(field.enum).want;
  if (field.message) {
    const heading = hasOption(field, policy) ? policyTitle(getOption(field, policy)) : titles.get(field.message);
    if (heading) return `[${heading}](#${heading.toLowerCase().replaceAll(" ", "-")})`;
    return field.message.typeName === "google.protobuf.Duration" ? "duration" : "keys and values";
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return "text";
    case ScalarType.BOOL:
      return "true or false";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "number";
    default:
      return field.name.endsWith("_bytes") ? "size" : "whole number";
  }
}

const policyTitle = (kind: string): string => `Policy ${kind}`;

const isWellKnown = ({ typeName }: DescMessage): boolean => typeName.startsWith("google.protobuf.");

/** The comment without the name that proto style puts first: "Listen is the main port" -> "The main port". */
function withoutName(comment: string, name: string): string {
  const rest = comment.replace(new RegExp(`^${name} is `), "");
  return rest === comment ? comment : `${rest[0]!.toUpperCase()}${rest.slice(1)}`;
}

if (import.meta.main) writeFileSync(CONFIG_DOCS, configDocsText());
