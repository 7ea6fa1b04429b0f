import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { expectSame, question, reference, type Streamed, startSimulator, type Told } from "./question.ts";
import { client, clientSuite, run } from "./tools.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

clientSuite("Python with openai and grpcio", "grpcio with generated stubs", (python) => {
  let stubs: string;

  beforeAll(async () => {
    stubs = await mkdtemp(join(tmpdir(), "polygate-stubs-"));
    const files = ["chat", "types", "embeddings"].map((name) => `proto/polygate/v1/${name}.proto`);
    const out = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
    await run(python, ["-m", "grpc_tools.protoc", "-Iproto", ...out, ...files, "proto/buf/validate/validate.proto"]);
  });
  afterAll(() => rm(stubs, { recursive: true, force: true }));

  it("gets the same answers, typed errors and health", async () => {
    const args = [client("grpc_stubs.py"), `127.0.0.1:${gateway.port}`, stubs];
    const got = JSON.parse(await run(python, args, { input: JSON.stringify(question) }));
    expectSame(got, want);
    expect(got.served).toEqual(["chat", "chat"]);
    expect(got.dimensions[0]).toBeGreaterThan(1);
    expect(got.unknown).toMatchObject({ code: "NOT_FOUND", reason: "ROUTE_UNKNOWN" });
    expect(got.unknown.message).toContain("no-such-route");
    expect(got.invalid).toMatchObject({ code: "INVALID_ARGUMENT", reason: "FIELD_INVALID", fields: ["messages"] });
    expect(got.health).toEqual(["SERVING", "SERVING"]);
  });
});

/** An answer in the protos' JSON, which is camelCase with enum names. */
interface ProtoAnswer {
  readonly choices?: readonly {
    readonly message?: { readonly text: string };
    readonly delta?: { readonly content?: string };
    readonly finishReason?: string;
  }[];
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number; readonly totalTokens: number };
}

const told = (parts: readonly ProtoAnswer[]): Streamed => {
  const choices = parts.flatMap((part) => part.choices ?? []);
  const texts = choices.map(({ message, delta }) => message?.text ?? delta?.content ?? "").filter(Boolean);
  const finish = choices.findLast(({ finishReason }) => finishReason !== undefined)?.finishReason;
  const { promptTokens, completionTokens, totalTokens } = parts.at(-1)!.usage!;
  return {
    text: texts.join(""),
    finish: finish!.replace("FINISH_REASON_", "").toLowerCase(),
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: totalTokens },
    pieces: texts.length,
  };
};

clientSuite("grpcurl", "grpcurl, which learns the services by reflection", (grpcurl) => {
  const call = (...args: readonly string[]) =>
    run(grpcurl, ["-plaintext", "-connect-timeout", "60", "-max-time", "60", ...args]);
  const messages = question.messages.map(({ role, content }) => ({
    role: `ROLE_${role.toUpperCase()}`,
    text: content,
  }));
  const chat = { ...question, model: "chat", messages };
  const target = () => `127.0.0.1:${gateway.port}`;

  it("lists and describes the services", async () => {
    const listed = (await call(target(), "list")).trim().split("\n");
    expect(listed).toEqual(
      expect.arrayContaining(["grpc.health.v1.Health", "polygate.v1.ChatService", "polygate.v1.EmbeddingsService"]),
    );
    expect(await call(target(), "describe", "polygate.v1.ChatService")).toContain("rpc StreamChat");
  });

  it("gets the same answers", async () => {
    const whole = await call("-d", JSON.stringify(chat), target(), "polygate.v1.ChatService/Chat");
    const { pieces: _, ...unary } = told([JSON.parse(whole)]);
    const printed = await call("-d", JSON.stringify({ chat }), target(), "polygate.v1.ChatService/StreamChat");
    // grpcurl prints one indented object after the other.
    const stream = told(JSON.parse(`[${printed.trim().replaceAll("\n}\n{", "\n},\n{")}]`));
    expectSame({ unary, stream }, want);
  });
});
