import { create, type DescMethod, type DescService, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { AuditService } from "../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { permission } from "../../gen/polygate/options/v1/options_pb.js";
import type { Actor, AdminApi } from "../core/admin.ts";
import { asGatewayError, errors, type GatewayError } from "../core/errors.ts";
import { forbidden } from "../core/grants.ts";
import { ADMIN_PERMISSIONS, type AdminPermission } from "../core/principal.ts";
import { auditMethods } from "./audit.ts";
import { auditOf, Refusals } from "./audited.ts";
import { endedWatch } from "./ended.ts";
import { keyMethods } from "./keys.ts";
import type { Context, Handler, Methods, Noted, Streamer } from "./method.ts";
import type { AdminParts } from "./parts.ts";
import { revisionMethods } from "./revisions.ts";
import { routeMethods } from "./routes.ts";
import { assertValid } from "./validate.ts";
import { Writer } from "./writer.ts";

/** Every service of the admin API, and who makes its methods. */
const SERVICES: readonly (readonly [DescService, (parts: AdminParts, writer: Writer) => Methods])[] = [
  [RouteAdminService, routeMethods],
  [RevisionAdminService, revisionMethods],
  [KeyAdminService, keyMethods],
  [AuditService, auditMethods],
];

interface Row {
  readonly desc: DescMethod;
  readonly permission: AdminPermission;
  readonly unary?: Handler | undefined;
  readonly stream?: Streamer | undefined;
}

/** The admin API over one ledger. Throws an `Error` when a method says no permission: nobody could be refused it. */
export function createAdminApi(parts: AdminParts): AdminApi {
  const writer = new Writer(parts);
  const rows = new Map(SERVICES.flatMap(([service, make]) => rowsOf(service, make(parts, writer))));
  const refusals = new Refusals(parts);
  const rowOf = (method: string): Row => {
    const row = rows.get(method);
    if (!row) throw errors.operationUnsupported(`The admin API has no method ${method}.`);
    return row;
  };
  return {
    async call(method, request, actor) {
      const { desc, permission: asked, unary } = rowOf(method);
      const call = new AdminCall(parts, method, asked, actor);
      try {
        if (!unary) throw errors.operationUnsupported(`${method} is a stream.`);
        call.permitSomewhere();
        await assertValid(desc.input, request as Message);
        return answer(desc, await unary(request as never, call));
      } catch (thrown) {
        await call.refuse(refusals, asGatewayError(thrown));
        throw asGatewayError(thrown);
      }
    },
    async *stream(method, request, actor, signal) {
      const { desc, permission: asked, stream } = rowOf(method);
      const call = new AdminCall(parts, method, asked, actor);
      try {
        if (!stream) throw errors.operationUnsupported(`${method} is no stream.`);
        call.permitSomewhere();
        await assertValid(desc.input, request as Message);
        const assertGood = endedWatch(parts, actor);
        for await (const one of stream(request as never, call, signal)) {
          await assertGood();
          yield answer(desc, one);
        }
      } catch (thrown) {
        await call.refuse(refusals, asGatewayError(thrown));
        throw asGatewayError(thrown);
      }
    },
    refused(method, reason, actor) {
      void refusals.add(method, actor, reason, {});
    },
  };
}

function rowsOf(service: DescService, { unary, streams = {} }: Methods): [string, Row][] {
  return service.methods.map((desc) => {
    const asked = hasOption(desc, permission) ? getOption(desc, permission) : "";
    if (!isAdminPermission(asked))
      throw new Error(`${service.typeName}/${desc.name} has no permission of an admin key`);
    const row = { desc, permission: asked, unary: unary[desc.localName], stream: streams[desc.localName] };
    return [`${service.typeName}/${desc.name}`, row];
  });
}

const answer = (desc: DescMethod, init: object): Message => create(desc.output, init as Record<string, unknown>);

const isAdminPermission = (text: string): text is AdminPermission =>
  (ADMIN_PERMISSIONS as readonly string[]).includes(text);

/** One call, from the question whether it may be made to what is written down of it. */
class AdminCall implements Context {
  readonly actor: Actor;
  readonly permission: AdminPermission;
  private readonly parts: AdminParts;
  private readonly method: string;
  private noted: Noted = {};
  private written = false;

  constructor(parts: AdminParts, method: string, asked: AdminPermission, actor: Actor) {
    this.parts = parts;
    this.method = method;
    this.permission = asked;
    this.actor = actor;
  }

  note(noted: Noted): void {
    this.noted = { ...this.noted, ...noted };
  }

  permits(route: string): boolean {
    return this.actor.principal.mayManage(this.permission, route);
  }

  permit(route: string): void {
    if (this.permits(route)) return;
    const where = route === "*" ? "all routes" : `the route ${JSON.stringify(route)}`;
    throw errors.callerForbidden(`The key does not allow ${this.permission} on ${where}.`);
  }

  permitSomewhere(): void {
    if (this.actor.principal.mayAsk(this.permission)) return;
    throw forbidden(this.actor.principal, this.permission);
  }

  async write<T>(act: Parameters<typeof this.parts.ledger.write<T>>[0]): Promise<T> {
    const { ledger, tools } = this.parts;
    const result = await ledger.write(async (tx) => {
      const done = await act(tx);
      await tx.addAudit(auditOf(tools.wallNow(), this.method, this.actor, "ok", this.noted));
      return done;
    });
    this.written = true;
    return result;
  }

  /**
   * Every refused act is written down, and of what only reads, that the caller may not. What was refused because the store did not
   * answer is not: nothing can be written, and the caller would wait for that a second time.
   */
  async refuse(refusals: Refusals, { fault: { reason } }: GatewayError): Promise<void> {
    const acts = this.permission.endsWith(".write");
    if (this.written || reason === "STORE_UNAVAILABLE" || (!acts && reason !== "CALLER_FORBIDDEN")) return;
    const { resource } = this.noted;
    await refusals.add(this.method, this.actor, reason, resource === undefined ? {} : { resource });
  }
}
