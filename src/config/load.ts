import { dirname, resolve } from "node:path";
import { clone, create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type Config,
  ConfigSchema,
  type Model,
  ModelSchema,
  type Route,
  RouteSchema,
} from "../../gen/polygate/config/v1/config_pb.js";
import type { JsonObject } from "../core/json.ts";
import type { SettingsProblem } from "../core/provider.ts";
import { isRegistered, readRegistered } from "../core/registered.ts";
import type { StoredRoute } from "../core/stored.ts";
import { checkLock, isNone, type Serving } from "./auth.ts";
import { Breath } from "./breath.ts";
import { checkConfig, modelsOf } from "./check.ts";
import { decode } from "./decode.ts";
import { fillDefaults } from "./defaults.ts";
import { docOf } from "./doc.ts";
import { Files, whyUnreadable } from "./files.ts";
import { readGatewayRoutes } from "./gateway-routes.ts";
import { didYouMean } from "./nearest.ts";
import { Origins } from "./origins.ts";
import { POLICY_FIELDS, type PolicyField } from "./policies.ts";
import { type Problem, Report, WHOLE_FILE } from "./problems.ts";
import { type Environment, processEnvironment, resolveSecrets, type Sources, secretValues } from "./secrets.ts";
import { spotOf } from "./spot.ts";
import { checkStore, readStore } from "./store.ts";
import { baseOf, nodeOfRoute, type Owned, type Owner } from "./stored.ts";
import { checkTls } from "./tls.ts";
import { isNull, type Node } from "./tree.ts";
import { parseYaml } from "./yaml.ts";

/** What the loader needs to know of a kind of provider. */
export interface Kind {
  /** Descriptor of the kind's settings: what stands in a model's `config`. */
  readonly settings: DescMessage;
  /** The model's name where the file gives none. */
  readonly defaultModel?: string;
  /** Whether its models may be named as MLflow's registry names them. */
  readonly registered?: true;
  /** Rules between fields. `path` is relative to the settings, such as `faults[0].status`; "" is the settings as a whole. */
  check?(settings: Message, model: { readonly name: string; readonly routeType: string }): readonly SettingsProblem[];
  /** What may not be dialed of what the settings name, by the rest of the config. @param by Who wrote the settings. */
  dials?(settings: Message, config: Config, by: Owner["kind"]): readonly SettingsProblem[];
}

/** The kinds of providers and policies that there are. The loader itself knows none. */
export interface Kinds {
  /** @param kind In lower case, with `-`. `undefined`: there is none of this name. */
  provider(kind: string): Promise<Kind | undefined>;
  /** Of every kind of provider, for "did you mean". */
  names(): readonly string[];
  /** @param kind As config.proto spells it. Absent, or `undefined`: there is none; the file cannot have one then. */
  policy?(kind: string): Promise<PolicyKind | undefined>;
}

/** What the loader needs to know of a kind of policy. */
export interface PolicyKind {
  readonly settings: DescMessage;
  /** Rules that the descriptor cannot say. */
  check?(settings: Message): readonly SettingsProblem[];
}

/** A policy as the file has it. */
export interface PolicyUse {
  readonly kind: string;
  /** The kind's own message, with the secrets themselves in it. */
  readonly settings: Message;
}

/** What the loader works with. */
export interface Tools {
  readonly kinds: Kinds;
  /** Where `$NAME` is looked up; the process's environment when absent. */
  readonly env?: Environment;
  /** Absolute paths of files that earlier loads read: their names are never taken for secrets. */
  readonly known?: ReadonlySet<string>;
  /** Routes of the admin API, which stand behind the file's. */
  readonly stored?: readonly StoredRoute[] | undefined;
  /** How it is going to be served; absent: it is only looked at. */
  readonly serving?: Serving | undefined;
}

/** A path, or a text that stands for the file of this name. */
export type Source = string | { readonly file: string; readonly text: string };

/** What a file came to; with problems in it too, so that all of them are told at once. */
export interface Loaded extends Owned {
  /** The file's routes, then the store's. Defaults filled in, `provider` in its own spelling, every `config` empty. Not to be used when there are problems. */
  readonly config: Config;
  /** Each model's settings, as its provider's own message, with the secrets themselves in it: never log it unredacted. */
  readonly models: ReadonlyMap<Model, Message>;
  /** The policies of the whole gateway, under the config itself, and of each route that has some, in the order they act. */
  readonly policies: ReadonlyMap<Config | Route, readonly PolicyUse[]>;
  /** Every secret, for the log to mask. */
  readonly secrets: readonly string[];
  /** The file as it was named. */
  readonly file: string;
  /** What was in it; empty when it could not be read. */
  readonly text: string;
  /** All that is wrong; empty when the config may be used. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Absolute paths of every file that had a say, missing ones too: what to watch. */
  readonly files: readonly string[];
  /** Of the files' contents, as they were read. */
  readonly digest: string;
}

/**
 * Reads a config file: YAML, decoding, rules, checks, secrets, and each model's settings by its provider's own
 * descriptor. Finds every problem and not the first alone; never throws for what is in the file.
 */
export async function load(source: Source, tools: Tools): Promise<Loaded> {
  const file = typeof source === "string" ? source : source.file;
  const path = resolve(file);
  const files = new Files();
  const content = typeof source === "string" ? await files.read(path) : Buffer.from(source.text);
  const loader = new Loader(
    new Report(file),
    { env: tools.env ?? processEnvironment, files, folder: dirname(path), known: tools.known ?? new Set() },
    tools.kinds,
  );
  const config = await loader.config(content, tools);
  const { problems, warnings } = loader.report;
  const { models, policies, secrets, owners } = loader;
  const text = typeof content === "string" ? "" : content.toString("utf8");
  const read = { file, text, files: files.paths, digest: await files.digest() };
  const docs = { owners, docOf: (route: Route) => loader.docOf(route) };
  return { config, models, policies, secrets, problems, warnings, ...docs, ...read };
}

/** Fields whose values have descriptors of their own. */
const LATER = [
  ModelSchema.field.config,
  ...Object.values(POLICY_FIELDS).flatMap((all) => all.map(({ field }) => field)),
];

const FOR_FILES = "name the model in a route of the config file";

class Loader {
  readonly report: Report;
  readonly models = new Map<Model, Message>();
  readonly policies = new Map<Config | Route, readonly PolicyUse[]>();
  readonly secrets: string[] = [];
  readonly owners = new Map<Route, Owner>();
  /** Of the messages in `models` and `policies`. */
  readonly descs = new Map<Message, DescMessage>();
  /** The routes as they were said. */
  private readonly said = new Map<Route, JsonObject | Route>();
  private readonly origins = new Origins();
  private readonly breath = new Breath();
  private readonly sources: Sources;
  private readonly kinds: Kinds;

  constructor(report: Report, sources: Sources, kinds: Kinds) {
    this.report = report;
    this.sources = sources;
    this.kinds = kinds;
  }

  async config(content: Buffer | string, { stored = [], serving }: Tools): Promise<Config> {
    const { report, origins, sources } = this;
    if (typeof content === "string") report.problem(WHOLE_FILE, "", whyUnreadable(content));
    const tree = typeof content === "string" ? undefined : parseYaml(content, report);
    if (!tree) return create(ConfigSchema);
    const config = decode(ConfigSchema, readStore(readGatewayRoutes(tree, report)), "", report, origins, LATER);
    await this.take(config, stored);
    await this.breath.take();
    fillDefaults(config);
    await this.breath.take();
    checkConfig(config, origins, report);
    checkLock(config, serving, origins, report);
    await this.breath.take();
    await resolveSecrets(ConfigSchema, config, origins, sources, report);
    this.secrets.push(...secretValues(ConfigSchema, config));
    checkStore(config, origins, report);
    if (config.listen?.tls) await checkTls(config.listen.tls, sources.folder, sources.files, origins, report);
    await this.policiesOf(config, POLICY_FIELDS.config);
    for (const route of config.routes) {
      await this.breath.take();
      for (const model of modelsOf(route)) await this.model(model, route, config);
      await this.policiesOf(route, POLICY_FIELDS.route);
    }
    return config;
  }

  docOf(route: Route): JsonObject {
    return docOf(this.said.get(route)!, route, this);
  }

  /** Notes whose each route is, and puts the store's behind the file's. A name has one owner. */
  private async take(config: Config, stored: readonly StoredRoute[]): Promise<void> {
    const { report, origins } = this;
    const ours = new Map<string, Route>();
    for (const route of config.routes) {
      ours.set(route.name, route);
      this.owners.set(route, { kind: "file", place: `${report.file}:${origins.of(route).at.line}` });
      this.said.set(route, clone(RouteSchema, route));
    }
    for (const one of stored) {
      await this.breath.take();
      const rival = ours.get(one.name);
      if (rival) {
        const { at, path } = origins.spot(rival, "name");
        report.problem(at, path, "is a route of the admin API; delete it there, or rename this one");
        continue;
      }
      const route = decode(RouteSchema, nodeOfRoute(one), baseOf(one.name), report, origins, LATER);
      this.owners.set(route, { kind: "api", revision: one.revision });
      this.said.set(route, one.doc);
      config.routes.push(route);
    }
  }

  /** The model's settings by its provider's descriptor. They stay out of the config, which may be shown: they hold secrets. */
  private async model(model: Model, route: Route, config: Config): Promise<void> {
    const { report, origins } = this;
    const { at, path } = origins.of(model);
    const given = origins.field(model, "config");
    model.provider = model.provider.toLowerCase().replaceAll("_", "-");
    if (model.provider === "") return;
    const kind = await this.kinds.provider(model.provider);
    if (!kind) {
      const names = this.kinds.names();
      const meant = didYouMean(model.provider, names) || `; want one of ${names.join(", ")}`;
      const spot = origins.spot(model, "provider");
      report.problem(spot.at, spot.path, `no provider is called ${JSON.stringify(model.provider)}${meant}`);
      return;
    }
    if (model.name === "") model.name = kind.defaultModel ?? "";
    if (kind.registered && isRegistered(model.name)) {
      const spot = origins.spot(model, "name");
      const forms = "models:/name@alias, models:/name/Stage, models:/name/latest or models:/name/3";
      if (!readRegistered(model.name)) report.problem(spot.at, spot.path, `want ${forms}`);
      else if (!config.mlflow?.trackingUri)
        report.problem(spot.at, spot.path, "is of MLflow's registry; set mlflow.tracking_uri");
      else if (config.mlflow.serve === "local" && this.owners.get(route)!.kind === "api")
        report.problem(
          spot.at,
          spot.path,
          `would start a program on the gateway's machine (mlflow.serve); ${FOR_FILES}`,
        );
    }
    const none: Node = { kind: "table", at: given?.at ?? at, entries: new Map() };
    const node = given && !isNull(given.node) ? given.node : none;
    const settings = await this.settings(kind.settings, node, given?.path ?? `${path}.config`);
    this.settingsProblems(
      kind.settings,
      settings,
      kind.check?.(settings, { name: model.name, routeType: route.routeType }),
    );
    this.settingsProblems(kind.settings, settings, kind.dials?.(settings, config, this.owners.get(route)!.kind));
    this.models.set(model, settings);
  }

  /** The policies that stand in the config or in a route; like models' settings they are kept apart. */
  private async policiesOf(owner: Config | Route, fields: readonly PolicyField[]): Promise<void> {
    const uses: PolicyUse[] = [];
    for (const { field, kind } of fields) {
      const given = this.origins.field(owner, field.name);
      if (!given || isNull(given.node) || (kind === "auth" && isNone(given.node))) continue;
      const policy = await this.kinds.policy?.(kind);
      if (!policy) throw new Error(`${field.toString()}: there is no policy ${kind}`);
      const settings = await this.settings(policy.settings, given.node, given.path);
      this.settingsProblems(policy.settings, settings, policy.check?.(settings));
      uses.push({ kind, settings });
    }
    if (uses.length > 0) this.policies.set(owner, uses);
  }

  private async settings(desc: DescMessage, node: Node, path: string): Promise<Message> {
    const settings = decode(desc, node, path, this.report, this.origins);
    await resolveSecrets(desc, settings, this.origins, this.sources, this.report);
    this.secrets.push(...secretValues(desc, settings));
    this.descs.set(settings, desc);
    return settings;
  }

  private settingsProblems(desc: DescMessage, settings: Message, problems: readonly SettingsProblem[] = []): void {
    const { report } = this;
    for (const { path, message, warning } of problems) {
      const spot = spotOf(this.origins, reflect(desc, settings), path);
      if (warning) report.warn(spot.at, spot.path, message);
      // What the decoder refused is unset, and a check then finds it missing.
      else if (!report.has(spot.path) && !report.explains(spot.path)) report.problem(spot.at, spot.path, message);
    }
  }
}
