import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { expect, it } from "vitest";
import { CreateKeyRequestSchema } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { type Config, ConfigSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { matches } from "./pattern.ts";

const texts = [
  "chat",
  "größe-1",
  "名前",
  "a b",
  "a\n",
  "",
  "x@y",
  "٣",
  "e\u0301",
  "2026-01-02",
  "2026-1-2",
  "/a/b",
  "/a//b",
];

it("finds in a text what the validator's own expressions find", () => {
  const [own, theirs] = [createValidator({ regexMatch: matches }), createValidator()];
  for (const text of texts) {
    const key = create(CreateKeyRequestSchema, { name: text });
    const route = { name: text, sunset: text, path: text, labels: { [text]: "x" } };
    const config: Config = create(ConfigSchema, { routes: [route], listen: { cors: { allowedOrigins: [text] } } });
    const problems = [own, theirs].map((validator) =>
      [validator.validate(CreateKeyRequestSchema, key), validator.validate(ConfigSchema, config)].map((result) =>
        (result.violations ?? []).map((one) => one.toString()),
      ),
    );
    expect(problems[0], JSON.stringify(text)).toEqual(problems[1]);
  }
});
