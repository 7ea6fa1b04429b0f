/** Config files by the names of the captured verdicts; `routes` and `route_type` for 2.8.1, else `endpoints`. */
type Names = { readonly list: "routes" | "endpoints"; readonly type: "route_type" | "endpoint_type" };
type Entry = Record<string, unknown>;

/** What the files' `$NAME`s and paths mean. */
export const ENV = { MY_SET_KEY: "env-key-value", MY_EMPTY_KEY: "" };
export interface Paths {
  readonly keyFile: string;
  readonly folder: string;
}

/** The file of a verdict; `undefined`: there was none. */
export function configText(name: string, names: Names, { keyFile, folder }: Paths): string | undefined {
  const other: Names =
    names.list === "routes" ? { list: "endpoints", type: "endpoint_type" } : { list: "routes", type: "route_type" };
  const openai = (config: Entry = { openai_api_key: "sk" }): Entry => ({ provider: "openai", name: "gpt-4", config });
  const entry = (more: Entry = {}): Entry => ({ name: "a", [names.type]: "llm/v1/chat", model: openai(), ...more });
  const file = (...entries: unknown[]) => JSON.stringify({ [names.list]: entries });
  const without = (key: string) => file(Object.fromEntries(Object.entries(entry()).filter(([one]) => one !== key)));
  const model = (of: Entry, more: Entry = {}) => file(entry({ model: of, ...more }));
  const key = (openai_api_key: unknown) => model(openai({ openai_api_key }));
  const azure = { openai_api_key: "k", openai_api_type: "azure" };
  const azureOk = {
    ...azure,
    openai_api_base: "https://a.example",
    openai_deployment_name: "d",
    openai_api_version: "2023-05-15",
  };
  const limit = (of: unknown) => file(entry({ limit: of }));
  // The traffic-split routes of 3.x, which 2.8.1 takes for its own routes.
  const split = (destinations: [string, number][], named = "s") =>
    JSON.stringify({
      ...(names.list === "endpoints" && { endpoints: [entry(), entry({ name: "b" })] }),
      routes: [
        {
          name: named,
          task_type: "llm/v1/chat",
          destinations: destinations.map(([to, percentage]) => ({ name: to, traffic_percentage: percentage })),
        },
      ],
    });
  if (name.startsWith("name:")) return file(entry({ name: JSON.parse(name.slice(5).replaceAll("'", '"')) }));
  const texts: Record<string, () => string> = {
    ok: () => file(entry()),
    dup: () => file(entry(), entry()),
    empty_list: () => file(),
    null_list: () => JSON.stringify({ [names.list]: null }),
    no_key: () => '{"foo": 1}',
    empty_file: () => "",
    not_map: () => "- a\n- b\n",
    bad_yaml: () => "routes: [a: {\n",
    scalar: () => "hello\n",
    bad_type: () => file(entry({ [names.type]: "llm/v1/foo" })),
    legacy_type_image: () => file(entry({ [names.type]: "llm/v1/images" })),
    missing_type: () => without(names.type),
    missing_name: () => without("name"),
    missing_model: () => without("model"),
    bad_provider: () => model({ ...openai(), provider: "nope" }),
    provider_upper: () => model({ ...openai(), provider: "OpenAI" }),
    provider_underscore: () =>
      model({ provider: "mlflow_model_serving", name: "m", config: { model_server_url: "http://127.0.0.1:1" } }),
    no_provider: () => model({ name: "gpt-4", config: { openai_api_key: "sk" } }),
    no_config: () => model({ provider: "openai", name: "gpt-4" }),
    no_model_name: () => model({ provider: "openai", config: { openai_api_key: "sk" } }),
    missing_key: () => model(openai({ openai_api_base: "https://api.openai.com/v1" })),
    key_int: () => key(123),
    key_null: () => key(null),
    key_env: () => key("$MY_SET_KEY"),
    key_env_unset: () => key("$MY_UNSET_KEY"),
    key_env_empty: () => key("$MY_EMPTY_KEY"),
    key_env_braces: () => key("$".concat("{MY_SET_KEY}")),
    key_file: () => key(keyFile),
    key_file_missing: () => key(`${folder}/nothing-here`),
    key_dir: () => key(folder),
    key_long: () => key("x".repeat(5000)),
    key_empty: () => key(""),
    key_bare_env_name: () => key("MY_SET_KEY"),
    extra_keys: () =>
      JSON.stringify({ [names.list]: [entry({ extra: 1, model: { ...openai(), more: 2 } })], also: { a: 1 } }),
    azure_missing: () => model(openai(azure)),
    azure_ok: () => model(openai(azureOk)),
    azure_org: () => model(openai({ ...azureOk, openai_organization: "o" })),
    openai_depl: () => model(openai({ openai_api_key: "k", openai_deployment_name: "d" })),
    api_type_bad: () => model(openai({ openai_api_key: "k", openai_api_type: "foo" })),
    api_type_case: () => model(openai({ ...azureOk, openai_api_type: "AZURE" })),
    mosaic_chat_bad_model: () => model({ provider: "mosaicml", name: "mpt-7b", config: { mosaicml_api_key: "k" } }),
    ai21_bad_model: () =>
      model(
        { provider: "ai21labs", name: "j2-foo", config: { ai21labs_api_key: "k" } },
        { [names.type]: "llm/v1/completions" },
      ),
    anthropic_embeddings: () =>
      model(
        { provider: "anthropic", name: "claude-2", config: { anthropic_api_key: "k" } },
        { [names.type]: "llm/v1/embeddings" },
      ),
    wrong_provider_cfg: () => model({ provider: "anthropic", name: "claude-2", config: { openai_api_key: "k" } }),
    databricks: () => model({ provider: "databricks", name: "m", config: { host: "https://d.example", token: "t" } }),
    databricks_ms: () =>
      model({
        provider: "databricks-model-serving",
        name: "m",
        config: { databricks_api_token: "t", databricks_workspace_url: "https://d.example" },
      }),
    served_ok: () =>
      model({ provider: "mlflow-model-serving", name: "m", config: { model_server_url: "http://127.0.0.1:1" } }),
    served_nourl: () => model({ provider: "mlflow-model-serving", name: "m", config: {} }),
    bedrock_role: () =>
      model(
        {
          provider: "bedrock",
          name: "amazon.titan-tg1-large",
          config: { aws_config: { aws_role_arn: "arn:aws:iam::123456789012:role/r" } },
        },
        { [names.type]: "llm/v1/completions" },
      ),
    bedrock_empty: () =>
      model(
        { provider: "bedrock", name: "amazon.titan-tg1-large", config: { aws_config: {} } },
        { [names.type]: "llm/v1/completions" },
      ),
    bedrock_none: () =>
      model(
        { provider: "bedrock", name: "amazon.titan-tg1-large", config: {} },
        { [names.type]: "llm/v1/completions" },
      ),
    "limit:ok": () => limit({ calls: 10, renewal_period: "minute" }),
    "limit:bad_period": () => limit({ calls: 10, renewal_period: "fortnight" }),
    "limit:neg": () => limit({ calls: -1, renewal_period: "minute" }),
    "limit:zero": () => limit({ calls: 0, renewal_period: "minute" }),
    "limit:nocalls": () => limit({ renewal_period: "minute" }),
    "limit:key": () => limit({ calls: 10, renewal_period: "minute", key: "user" }),
    "limit:null": () => limit(null),
    "limit:str": () => limit("10/minute"),
    other_era_keys: () =>
      JSON.stringify({ [other.list]: [{ ...entry(), [names.type]: undefined, [other.type]: "llm/v1/chat" }] }),
    mixed_type_key: () => file({ ...entry(), [names.type]: undefined, [other.type]: "llm/v1/chat" }),
    v3_route_ok: () =>
      split([
        ["a", 50],
        ["b", 50],
      ]),
    v3_route_sum: () =>
      split([
        ["a", 50],
        ["b", 40],
      ]),
    v3_route_unknown_dest: () => split([["zzz", 100]]),
    v3_route_dup: () => split([["a", 100]], "a"),
  };
  const text = texts[name];
  if (text === undefined && name !== "missing_file") throw new Error(`no file for ${name}`);
  return text?.();
}
