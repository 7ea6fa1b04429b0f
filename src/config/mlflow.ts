import type { DescMessage } from "@bufbuild/protobuf";
import type { Config, Route } from "../../gen/polygate/config/v1/config_pb.js";

type Names = Readonly<Record<string, string>>;

/** What MLflow's files call fields of ours, in one version or another. */
const ALIASES: Readonly<Record<string, Names>> = {
  ["polygate.config.v1.Config" satisfies Config["$typeName"]]: { endpoints: "routes" },
  ["polygate.config.v1.Route" satisfies Route["$typeName"]]: { endpoint_type: "route_type", type: "route_type" },
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
