import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderOf } from "../../test/support/folder.ts";
import { meantBy } from "./secret-path.ts";

const NONE: ReadonlySet<string> = new Set();
const kind = (text: string, folder = "/nowhere", known = NONE) => meantBy(text, folder, known).kind;

/** Keys as AWS makes them, 40 characters of base64, of which half have a slash. */
const AWS_LIKE = Array.from({ length: 400 }, (_, i) =>
  createHash("sha256").update(String(i)).digest("base64").slice(0, 40),
).filter((key) => key.includes("/") && key[0] !== "/");

describe("meantBy", () => {
  it("finds a file beside the config first, then in the working directory", () => {
    const folder = folderOf({ "keys/openai": "k", "package.json": "k" });
    for (const name of ["keys/openai", "package.json"]) {
      for (const text of [name, `./${name}`, `file:${name}`, join(folder, name)]) {
        expect(meantBy(text, folder, NONE)).toEqual({ kind: "file", path: join(folder, name) });
      }
    }
    expect(meantBy("tsconfig.json", folder, NONE)).toEqual({
      kind: "file",
      path: join(process.cwd(), "tsconfig.json"),
    });
  });

  it("misses a file that was read before, whatever its name", () => {
    const folder = folderOf({});
    const known = new Set([join(folder, "openai"), join(process.cwd(), "nothing")]);
    expect(meantBy("openai", folder, known)).toEqual({ kind: "file", path: join(folder, "openai") });
    expect(meantBy("nothing", folder, known)).toEqual({ kind: "file", path: join(process.cwd(), "nothing") });
    expect(kind("openai", folder)).toBe("text");
  });

  it("misses a file in a folder that is there, and what begins like a path", () => {
    const folder = folderOf({ "keys/other": "k" });
    for (const text of ["keys/openai", "./no/openai", "../no", "~/no/openai", "C:\\keys\\openai", "file:openai"])
      expect(kind(text, folder), text).toBe("file");
    expect(kind(join(folder, "no/openai"))).toBe("file");
  });

  it.each([
    "keys/openai",
    "/nowhere/keys/openai",
    "/no_such_folder/x",
    "keys\\openai",
    "secrets/Production2024/OpenAI/ServiceAccountKey",
    "var/run/secrets/kubernetes.io/serviceaccount/token",
    "abc/DEF+123==",
    "openai.key",
    "openai-key.txt",
  ])("is unsure of %s, of which there is no file", (text) => {
    expect(kind(text)).toBe("unsure");
  });

  it.each([
    "sk-proj-abc_DEF-123",
    "openai",
    "SG.abc.def",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "a b/c",
    '{"type":"service_account","token_uri":"https://oauth2.example.com/token"}',
    "https://user:secret@example.com/path",
    "日本",
    "x".repeat(5000),
    `${"x/".repeat(2500)}x`,
    "-----BEGIN PRIVATE KEY-----\nMIIE/abc\n-----END PRIVATE KEY-----",
  ])("takes %s for a secret", (text) => {
    expect(kind(text)).toBe("text");
  });

  it("takes an AWS secret key for a secret although it has a slash", () => {
    expect(AWS_LIKE.length).toBeGreaterThan(150);
    expect(AWS_LIKE.filter((key) => kind(key) !== "text")).toEqual([]);
    expect(kind("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")).toBe("unsure");
  });
});
