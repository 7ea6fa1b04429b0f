import type { DescMessage } from "@bufbuild/protobuf";
import type { Config, Route } from "../../gen/polygate/config/v1/config_pb.js";

type Names = Readonly<Record<string, string>>;

/** What MLflow's files call fields of ours, in one version or another. */
const ALIASES: Readonly<Record<string, Names>> = {
  ["polygate.config.v1.Config" satisfies Config["$typeName"]]: { endpoints: "routes", gateway_routes: "routes" },
  ["polygate.config.v1.Route" satisfies Route["$typeName"]]: {
    endpoint_type: "route_type",
    type: "route_type",
    task_type: "route_type",
  },
};

/** The field's name of a key in a file: the key itself, but for what MLflow calls otherwise. */
export function fieldName({ typeName }: DescMessage, key: string): string {
  const names = ALIASES[typeName];
  return names && Object.hasOwn(names, key) ? names[key]! : key;
}

/** MLflow's names of a field. */
export function otherNames({ typeName }: DescMessage, field: string): readonly string[] {
  return Object.entries(ALIASES[typeName] ?? {}).flatMap(([key, name]) => (name === field ? key : []));
}

/** Whether a list may stand under several of its names: MLflow 3 has its splits under `routes`, beside its `endpoints`. */
export function isOneList({ typeName }: DescMessage, field: string): boolean {
  return typeName === ("polygate.config.v1.Config" satisfies Config["$typeName"]) && field === "routes";
}

/** Whether a key that no field has says what holds anyhow. */
export function isSaid({ typeName }: DescMessage, key: string, value: unknown): boolean {
  const isRoute = typeName === ("polygate.config.v1.Route" satisfies Route["$typeName"]);
  return isRoute && key === "routing_strategy" && value === "TRAFFIC_SPLIT";
}

/** Where MLflow leaves unknown keys alone: in the file, its routes, their models, and providers' settings. */
const LENIENT = /^(?:polygate\.config\.v1\.(?:Config|Route|Model)|providers\..+)$/;

/** Keys that ask for protection or for another answer: a gateway that ignored them would not be what its file says. */
const ASKING =
  /auth|access|allow|deny|limit|quota|budget|cache|guard|filter|safety|safe|prompt|template|token|tls|cors|egress|secret|mask|redact|fallback|retr|weight|timeout|strategy/i;

/** Whether an unknown key, that is no slip of a known one, is ignored as MLflow does, with a warning. */
export function isIgnored({ typeName }: DescMessage, key: string): boolean {
  return LENIENT.test(typeName) && !ASKING.test(key);
}
