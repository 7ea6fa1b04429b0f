import { expect, it } from "vitest";
import { fakeClock } from "../../test/support/clock.ts";
import type { Exchange } from "../core/provider.ts";
import { NotServed } from "../core/registered.ts";
import { Registry, RegistryDown, type RegistrySettings } from "./registry.ts";

/** A registry that says of each path what `say` says. */
function registry(say: (path: string) => object, settings: Partial<RegistrySettings> = {}) {
  const asked: string[] = [];
  const exchange: Exchange = ({ path }, receiver) => {
    asked.push(path);
    queueMicrotask(() => {
      receiver.onHead(200, {});
      receiver.onData(Buffer.from(JSON.stringify(say(path))));
      receiver.onEnd(true);
    });
    return { pause() {}, resume() {}, abort() {} };
  };
  const all = {
    prefix: "",
    headers: [],
    exchange,
    clock: fakeClock(),
    template: "",
    tag: "url",
    refused: () => undefined,
  };
  return { registry: new Registry({ ...all, ...settings }), asked };
}

/** A version 3 whose tag says this, or the template. */
const served = (url: string, settings: Partial<RegistrySettings> = {}, model = "iris") =>
  registry(() => ({ model_version: { version: "3", tags: [{ key: "url", value: url }] } }), settings).registry.find({
    model,
    version: "3",
  });

it.each(["http://models/iris", "https://models:8080/a/b", "http://a, http://b"])("takes the URL %s", async (url) => {
  expect(await served(url)).toMatchObject({ version: "3", url: url.split(",")[0], by: "tag" });
});

it.each([
  ["file:///etc/passwd", "want one"],
  ["http://", "want one"],
  ["http://ann:s3cret@models/iris", "a user"],
  ["http://models/score?model=iris", "a user, a query"],
  ["http://models/iris#3", "fragment"],
  ["http://a, http://b/?x=1", "a query"],
])("refuses the URL %s, of which a part would not be asked, and does not repeat it", async (url, why) => {
  const failed = served(url);
  await expect(failed).rejects.toThrow(why);
  await expect(failed).rejects.toBeInstanceOf(NotServed);
  await expect(failed).rejects.not.toThrow("s3cret");
});

it("leaves an address that a tag must not name before anybody is led there, and not one of the template", async () => {
  const refused = (url: string) => (url.includes("10.0.0.1") ? "10.0.0.1 is a private address" : undefined);
  await expect(served("http://a, http://10.0.0.1", { refused })).rejects.toThrow("10.0.0.1 is a private address");
  expect(await served("", { refused, template: "http://10.0.0.1/{model}" })).toMatchObject({ by: "file" });
});

it.each([".", ".."])("leads a model named %s to no other's path of the template", async (model) => {
  await expect(served("", { template: "http://m/{model}/{version}" }, model)).rejects.toBeInstanceOf(NotServed);
  expect(await served("http://m/x", { template: "http://m/{model}" }, model)).toMatchObject({ url: "http://m/x" });
});

it.each(["", "abc", "../4", "3 "])("takes %j for no version's number", async (version) => {
  const one = registry(() => ({ model_version: { version } }), { template: "http://m/{version}" });
  await expect(one.registry.find({ model: "iris", alias: "a" })).rejects.toBeInstanceOf(RegistryDown);
});

it("gives up a list of models that has no end", async () => {
  let page = 0;
  const one = registry(() => ({ registered_models: [{ name: "iris" }], next_page_token: `p${++page}` }));
  await expect(one.registry.models()).rejects.toThrow("no end");
  expect(one.asked.length).toBe(1000);
});
