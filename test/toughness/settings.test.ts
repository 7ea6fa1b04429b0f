/** Every bound is a setting, has its default from one place, and stands in the documentation. */
import { readFileSync } from "node:fs";
import { getOption } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EgressSchema, LimitsSchema, ListenSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { default_text } from "../../gen/polygate/options/v1/options_pb.js";
import { load } from "../../src/config/load.ts";
import { kinds } from "../../src/kinds.ts";
import { LISTEN_DEFAULTS } from "../../src/net/listen.ts";
import { boundsOf } from "../../src/start.ts";
import { rawSocket } from "../support/raw.ts";
import { startHere } from "./here.ts";

const PAGE = readFileSync(new URL("../../docs/hardening.md", import.meta.url), "utf8");
const bounds = async (text: string) => {
  const { config, problems } = await load({ file: "f.yaml", text }, { kinds });
  expect(problems).toEqual([]);
  return boundsOf(config.listen);
};

describe("the bounds of the port", () => {
  it("are those that the port itself has when the file says nothing", async () => {
    expect(await bounds("routes: []")).toEqual(LISTEN_DEFAULTS);
    expect(boundsOf(undefined)).toEqual(LISTEN_DEFAULTS);
  });

  it("are what the file says, each of them", async () => {
    const text = `
routes: []
listen:
  head_timeout: 1s
  request_timeout: 2s
  idle_timeout: 3s
  stall_timeout: 4s
  max_connections: 5
  max_header_bytes: 2KiB
  max_headers: 11
  max_concurrent_streams: 12
  max_buffered_bytes: 13MiB
`;
    expect(await bounds(text)).toEqual({
      headTimeoutMs: 1_000,
      requestTimeoutMs: 2_000,
      idleTimeoutMs: 3_000,
      stallTimeoutMs: 4_000,
      maxConnections: 5,
      maxHeaderBytes: 2_048,
      maxHeaders: 11,
      maxConcurrentStreams: 12,
      maxBufferedBytes: 13 * 1024 * 1024,
    });
  });

  it("hold for a gateway that is started with them", async () => {
    await using here = await startHere("routes: []\nlisten: {head_timeout: 50ms, max_headers: 10}");
    await using silent = await rawSocket(here.port);
    await using many = await rawSocket(here.port);
    many.send(`GET /livez HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(10)}\r\n`);
    expect(await many.closed).toMatch(/^HTTP\/1\.1 431 /);
    expect(await silent.closed).toBe("");
  });
});

describe("docs/hardening.md", () => {
  const ROWS = [
    ...ListenSchema.fields
      .filter(({ name }) => /_timeout$|^max_/.test(name))
      .map((field) => ["listen", field] as const),
    ...LimitsSchema.fields.map((field) => ["limits", field] as const),
    ...EgressSchema.fields.map((field) => ["egress", field] as const),
  ];

  it.each(ROWS.map(([section, field]) => [`${section}.${field.name}`, getOption(field, default_text)] as const))(
    "has a row for %s, with its default (%s)",
    (path, text) => {
      const row = PAGE.split("\n").find((line) => line.startsWith(`| \`${path}\` |`));
      expect(row).toBeDefined();
      expect(row).toContain(`| ${text === "" ? "none" : `\`${text}\``} |`);
    },
  );
});
