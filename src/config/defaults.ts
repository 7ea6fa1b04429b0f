import { clone, create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  AdminSchema,
  BatchSchema,
  type Config,
  ConfigSchema,
  CorsSchema,
  LimitsSchema,
  LogLevel,
  MlflowSchema,
} from "../../gen/polygate/config/v1/config_pb.js";

const MIB = 1024 * 1024;

const CONFIG = create(ConfigSchema, {
  listen: {
    host: "127.0.0.1",
    port: 5000,
    maxConnections: 10_000,
    headTimeout: durationFromMs(10_000),
    requestTimeout: durationFromMs(120_000),
    idleTimeout: durationFromMs(75_000),
    stallTimeout: durationFromMs(60_000),
    maxHeaderBytes: 16 * 1024,
    maxHeaders: 100,
    maxConcurrentStreams: 100,
    maxCalls: 4096,
    maxBufferedBytes: 512 * MIB,
  },
  egress: { maxConnections: 4096 },
  limits: {
    connectTimeout: durationFromMs(5_000),
    firstByteTimeout: durationFromMs(60_000),
    chunkTimeout: durationFromMs(60_000),
    totalTimeout: durationFromMs(600_000),
    maxRequestBytes: 32 * MIB,
    maxReplyBytes: 64 * MIB,
  },
  drainTimeout: durationFromMs(30_000),
  log: { level: LogLevel.INFO },
});
const ADMIN = create(AdminSchema, { host: "127.0.0.1", port: 5001 });
const MLFLOW = create(MlflowSchema, {
  format: "auto",
  pollInterval: durationFromMs(15_000),
  urlTag: "model_server_url",
  local: { command: "mlflow", startTimeout: durationFromMs(120_000), maxProcesses: 8 },
});
const BATCH = create(BatchSchema, { maxParallel: 8 });
const CORS = create(CorsSchema, { maxAge: durationFromMs(7_200_000) });

/**
 * Puts a value where the file gives none, so that nobody asks again: the defaults, and into each route's limits the
 * gateway's. What is off while it is absent stays absent: `admin`, `mlflow`, `listen.tls`, `listen.cors`.
 */
export function fillDefaults(config: Config): void {
  fill(ConfigSchema, config, CONFIG);
  if (config.admin) fill(AdminSchema, config.admin, ADMIN);
  if (config.mlflow) fill(MlflowSchema, config.mlflow, MLFLOW);
  if (config.listen?.cors) fill(CorsSchema, config.listen.cors, CORS);
  for (const route of config.routes) {
    route.limits ??= create(LimitsSchema);
    fill(LimitsSchema, route.limits, config.limits!);
    if (route.batch) fill(BatchSchema, route.batch, BATCH);
  }
}

function fill<Desc extends DescMessage>(desc: Desc, into: MessageShape<Desc>, from: MessageShape<Desc>): void {
  fillUnset(reflect(desc, into), reflect(desc, from));
}

function fillUnset(into: ReflectMessage, from: ReflectMessage): void {
  for (const field of from.fields) {
    if (!from.isSet(field) || field.fieldKind === "list" || field.fieldKind === "map") continue;
    const inner = field.message !== undefined && !field.message.typeName.startsWith("google.protobuf.");
    if (inner && !into.isSet(field)) into.set(field, reflect(field.message));
    if (inner) fillUnset(into.get(field), from.get(field));
    else if (!into.isSet(field)) into.set(field, copyOf(from.get(field)));
  }
}

/** Messages are mutable, and the defaults are everybody's. */
function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("message" in value)) return value;
  const { desc, message } = value as ReflectMessage;
  return reflect(desc, clone(desc, message));
}
