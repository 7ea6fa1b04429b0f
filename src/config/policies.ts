import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { ConfigSchema, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { policy } from "../../gen/polygate/options/v1/options_pb.js";

/** A field that holds a policy's settings. */
export interface PolicyField {
  readonly field: DescField;
  /** The policy's kind, from `(polygate.options.v1.policy)`. */
  readonly kind: string;
}

/** The fields of a message that hold policies, in the order of their declaration, which is the order in which they act. */
export function policyFieldsOf(message: DescMessage): readonly PolicyField[] {
  return message.fields
    .filter((field) => hasOption(field, policy))
    .map((field) => ({ field, kind: getOption(field, policy) }));
}

/** Policies of the whole gateway, and of one route. */
export const POLICY_FIELDS = { config: policyFieldsOf(ConfigSchema), route: policyFieldsOf(RouteSchema) };
