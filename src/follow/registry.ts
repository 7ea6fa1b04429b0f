import { parse } from "yaml";
import { ask } from "../core/ask.ts";
import type { Clock } from "../core/clock.ts";
import { asGatewayError } from "../core/errors.ts";
import { isObject, type Json, type JsonObject, objectIn, objectsIn, textIn } from "../core/json.ts";
import type { Exchange, ServedVersion } from "../core/provider.ts";
import { NotServed, type Registered } from "../core/registered.ts";

/** How a registry is asked. */
export interface RegistrySettings {
  /** Of its address: what stands before `/api`. */
  readonly prefix: string;
  /** Flat name, value; with the credential. */
  readonly headers: readonly string[];
  readonly exchange: Exchange;
  readonly clock: Clock;
  /** A template of `{model}` and `{version}`; empty: only the tag says where a version is served. */
  readonly template: string;
  readonly tag: string;
  /** Why the address of a URL that a tag names must not be dialed; `undefined`: nothing is known against it. */
  readonly refused: (url: string) => string | undefined;
  /** Serves a version on this machine and says where, in place of the template and the tag; throws `NotServed`. */
  readonly place?: ((model: string, version: string) => string) | undefined;
}

/** The registry did not answer, or not as a registry does: what was known stays. Its message is for the log. */
export class RegistryDown extends Error {}

/** Registered models of one page, and most of an answer that is read: descriptions and tags may be long. */
const PAGE = 100;
/** Most pages: a registry whose list has no end would be asked for ever, and nothing else of it would be looked at. */
const MAX_PAGES = 1000;
const MAX_BYTES = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);
const WHO = "the MLflow registry";

/**
 * Reads MLflow's Model Registry over REST.
 * @see https://mlflow.org/docs/latest/api_reference/rest-api.html
 */
export class Registry {
  private readonly settings: RegistrySettings;
  /** By model and version, which never change. */
  private readonly inputs = new Map<string, string | undefined>();

  constructor(settings: RegistrySettings) {
    this.settings = settings;
  }

  /** The version that a name stands for now, and where it is served. Rejects with `RegistryDown` or `NotServed`. */
  async find(one: Registered): Promise<ServedVersion> {
    const told = await this.version(one);
    // A text with MLflow's own servers, a number with others.
    const { version: number } = told;
    const version = typeof number === "number" ? number.toString() : textIn(number);
    if (!/^\d+$/.test(version)) throw new RegistryDown("the registry told a version without its number");
    const place = this.placeOf(one.model, version, objectsIn(told["tags"]));
    const inputs = await this.inputsOf(one.model, version);
    return { model: one.model, version, ...place, inputs };
  }

  /** Every registered model, as the registry tells of it: `name`, `aliases`, `latest_versions`. Rejects with `RegistryDown`. */
  async models(): Promise<readonly JsonObject[]> {
    const all: JsonObject[] = [];
    let token = "";
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const query = { max_results: String(PAGE), ...(token !== "" && { page_token: token }) };
      const page = await this.get("registered-models/search", query);
      all.push(...objectsIn(page["registered_models"]));
      const next = textIn(page["next_page_token"]);
      if (next === "" || next === token) return all;
      token = next;
    }
    throw new RegistryDown(`the registry lists more than ${MAX_PAGES * PAGE} models, or its list has no end`);
  }

  private placeOf(model: string, version: string, tags: readonly JsonObject[]): Pick<ServedVersion, "url" | "by"> {
    const { template, tag, place, refused } = this.settings;
    if (place !== undefined) return { url: place(model, version), by: "file" };
    const tagged = textIn(tags.find(({ key }) => key === tag)?.["value"]);
    const filled = template
      .replaceAll("{model}", encodeURIComponent(model))
      .replaceAll("{version}", encodeURIComponent(version));
    const urls = (tagged || filled).split(",").map((one) => one.trim());
    const [url, ...more] = urls.filter((one) => one !== "");
    if (url === undefined) {
      throw new NotServed(`version ${version} has no tag ${tag}, and mlflow.model_server_url is not set`);
    }
    if (tagged === "" && template.includes("{model}") && /^\.{1,2}$/.test(model)) {
      throw new NotServed(`mlflow.model_server_url leads nowhere for a model whose name is ${model}`);
    }
    for (const one of [url, ...more]) {
      const why = unfit(one) ?? (tagged === "" ? undefined : refused(one));
      if (why !== undefined) throw new NotServed(`version ${version} is served at no URL that is asked: ${why}`);
    }
    return { url, by: tagged === "" ? "file" : "tag", ...(more.length > 0 && { more }) };
  }

  private async version({ model, alias, stage, version }: Registered): Promise<JsonObject> {
    if (alias !== undefined) {
      return objectIn((await this.get("registered-models/alias", { name: model, alias }))["model_version"]);
    }
    if (version !== undefined) {
      return objectIn((await this.get("model-versions/get", { name: model, version }))["model_version"]);
    }
    const asked = { name: model, ...(stage !== "latest" && { stages: stage! }) };
    const all = objectsIn((await this.get("registered-models/get-latest-versions", asked))["model_versions"]);
    const [latest] = all.sort((a, b) => Number(b["version"]) - Number(a["version"]));
    if (latest === undefined) throw new NotServed(`no version is in the stage ${stage}`);
    return latest;
  }

  private async get(path: string, query: Readonly<Record<string, string>>): Promise<JsonObject> {
    const { status, body } = await this.ask(`/api/2.0/mlflow/${path}`, query);
    let json: unknown;
    try {
      json = JSON.parse(body.toString());
    } catch {
      json = undefined;
    }
    if (!isObject(json)) throw new RegistryDown(`the registry answered with status ${status} and no JSON`);
    if (status === 200) return json;
    const { error_code, message } = json;
    const words = `the registry answered with status ${status}: ${textIn(message) || textIn(error_code)}`;
    throw status === 404 || error_code === "INVALID_PARAMETER_VALUE" ? new NotServed(words) : new RegistryDown(words);
  }

  private async ask(path: string, query: Readonly<Record<string, string>>) {
    const { prefix, headers, exchange, clock } = this.settings;
    const outgoing = {
      method: "GET",
      path: `${prefix}${path}?${new URLSearchParams(query).toString()}`,
      headers,
      body: NOTHING,
    } as const;
    try {
      return await ask(exchange, outgoing, clock, WHO, WHO, MAX_BYTES);
    } catch (thrown) {
      const { message, cause } = asGatewayError(thrown);
      throw new RegistryDown(cause instanceof Error ? `${message} (${cause.message})` : message);
    }
  }

  /** Of the file `MLmodel`, which MLflow's own server gives out; other registries have no such path. */
  private async inputsOf(model: string, version: string): Promise<string | undefined> {
    const key = `${model}/${version}`;
    if (this.inputs.has(key)) return this.inputs.get(key);
    const query = { name: model, version, path: "MLmodel" };
    const { status, body } = await this.ask("/model-versions/get-artifact", query);
    // Its failure may pass; then it is asked again with the next look.
    if (status >= 500) return undefined;
    const inputs = status === 200 ? inputsIn(body.toString()) : undefined;
    this.inputs.set(key, inputs);
    return inputs;
  }
}

/** What is wrong with a URL; the message does not repeat it, for it may hold a password. */
function unfit(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return "want one such as http://models/iris";
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === "" ? undefined : "a user, a query or a fragment in it is not sent";
}

function inputsIn(text: string): string | undefined {
  try {
    const file = parse(text) as Json;
    return textIn(objectIn(objectIn(file)["signature"])["inputs"]) || undefined;
  } catch {
    return undefined;
  }
}
