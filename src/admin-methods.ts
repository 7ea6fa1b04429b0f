import type { DescMethod } from "@bufbuild/protobuf";
import { AuditService } from "../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../gen/polygate/admin/v1/route_admin_pb.js";
import { errors } from "./core/errors.ts";

const METHODS: ReadonlyMap<string, DescMethod> = new Map(
  [RouteAdminService, RevisionAdminService, KeyAdminService, AuditService].flatMap((service) =>
    service.methods.map((method): [string, DescMethod] => [`${service.typeName}/${method.name}`, method]),
  ),
);

/** A method of the admin API, named as in its path. Throws OPERATION_UNSUPPORTED. */
export function adminMethod(name: string): DescMethod {
  const method = METHODS.get(name);
  if (method) return method;
  throw errors.operationUnsupported(`The admin API has no method ${name}.`);
}
