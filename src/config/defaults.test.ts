import { type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, it } from "vitest";
import { ConfigSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { default_text } from "../../gen/polygate/options/v1/options_pb.js";
import { decode } from "./decode.ts";
import { load } from "./load.ts";
import { Origins } from "./origins.ts";
import { Report } from "./problems.ts";
import { parseYaml } from "./yaml.ts";

const kinds = { provider: async () => undefined, names: () => [] };
/** With everything on that is off while it is absent. */
const TEXT =
  "routes: []\nadmin: {}\nmlflow: { tracking_uri: http://m }\nlisten: {cors: {allowed_origins: ['*']}, tls: {}}\n";

/** Every field of the message and of what it holds, with its path. */
function* fieldsOf(
  holder: ReflectMessage,
  path = "",
): Generator<{ path: string; desc: DescMessage; text: string; value: unknown }> {
  for (const field of holder.fields) {
    const text = hasOption(field, default_text) ? getOption(field, default_text) : undefined;
    const value: unknown = holder.isSet(field) ? holder.get(field) : undefined;
    const inner = `${path}${field.name}`;
    if (text !== undefined) yield { path: inner, desc: holder.desc, text, value };
    const message = field.fieldKind === "message" && holder.isSet(field) ? holder.get(field) : undefined;
    if (message && !message.desc.typeName.startsWith("google.")) yield* fieldsOf(message, `${inner}.`);
  }
}

const plain = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "message" in value ? value.message : value;

describe("the defaults", () => {
  it("are those that the proto tells of", async () => {
    const { config } = await load({ file: "f.yaml", text: TEXT }, { kinds });
    const told = [...fieldsOf(reflect(ConfigSchema, config))];
    expect(told.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        "drain_timeout",
        "listen.port",
        "listen.cors.max_age",
        "admin.port",
        "limits.max_reply_bytes",
        "log.level",
        "mlflow.url_tag",
      ]),
    );
    for (const { path, desc, text, value } of told) {
      const name = path.split(".").at(-1)!;
      const report = new Report("f");
      const message = decode(desc, parseYaml(`${name}: ${text}`, report)!, "", report, new Origins());
      const field = desc.fields.find((each) => each.name === name)!;
      expect(plain(value), path).toEqual(plain(reflect(desc, message).get(field)));
    }
  });

  it("are a new message for each load", async () => {
    const [one, other] = await Promise.all([1, 2].map(() => load({ file: "f.yaml", text: TEXT }, { kinds })));
    one!.config.limits!.maxReplyBytes = 1;
    one!.config.limits!.totalTimeout!.seconds = 1n;
    expect(other!.config.limits).toMatchObject({ maxReplyBytes: 67108864, totalTimeout: { seconds: 600n } });
  });
});
