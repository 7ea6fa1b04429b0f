/** What every kind of policy is held to, by its folder alone. Each has an example of its settings in `sample.yaml`. */
import { readFileSync } from "node:fs";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/config/decode.ts";
import { Origins } from "../../src/config/origins.ts";
import { POLICY_FIELDS } from "../../src/config/policies.ts";
import { Report } from "../../src/config/problems.ts";
import { assertRulesKnown } from "../../src/config/rules.ts";
import { isSecret } from "../../src/config/secrets.ts";
import { parseYaml } from "../../src/config/yaml.ts";
import { INFERENCE, principalOf } from "../../src/core/grants.ts";
import type { Hooks, Policy, PolicyTools } from "../../src/core/policy.ts";
import { Ring } from "../../src/keyring.ts";
import { loadPolicy, policyKinds } from "../../src/registry.ts";
import { store } from "../../src/stores/memory/index.ts";
import { fakeClock } from "../support/clock.ts";
import { callOf, planOf } from "../support/plan.ts";

const PHASES = ["admit", "before", "reply", "chunk", "fault", "settle", "limit"];
const CANARY = /canary-[\w-]+/;

const toolsOf = (route: string): PolicyTools => {
  const clock = fakeClock();
  return {
    clock,
    wallNow: () => 0,
    random: () => 0.5,
    counters: store.openCounters!(clock, 100),
    keys: new Ring(),
    route,
  };
};

function readSample(policy: Policy<unknown>): { settings: Message; problems: readonly unknown[] } {
  const report = new Report("sample.yaml");
  const sample = readFileSync(new URL(`../../src/policies/${policy.kind}/sample.yaml`, import.meta.url));
  const settings = decode(policy.settings as DescMessage, parseYaml(sample, report)!, "", report, new Origins());
  return { settings, problems: [...report.problems, ...report.warnings, ...(policy.check?.(settings) ?? [])] };
}

/** What a policy does to three calls of one caller. */
async function outcomes({ before }: Hooks): Promise<string[]> {
  const all: string[] = [];
  for (let call = 0; call < 3; call++) {
    const run = async () => before?.(callOf(planOf([]), false, { principal: principalOf("ann", "", [INFERENCE]) }));
    all.push(
      await run().then(
        () => "passed",
        (error) => error.fault.reason,
      ),
    );
  }
  return all;
}

describe.each(policyKinds)("the policy %s", (kind) => {
  it("is called like its folder, and so are its settings", async () => {
    const policy = (await loadPolicy(kind))!;
    expect(policy.kind).toBe(kind);
    expect((policy.settings as DescMessage).typeName).toMatch(new RegExp(`^policies\\.${kind}\\.v1\\.\\w+Settings$`));
    assertRulesKnown(policy.settings as DescMessage);
  });

  it("has its place in the config", () => {
    expect(Object.values(POLICY_FIELDS).flatMap((fields) => fields.map((field) => field.kind))).toContain(kind);
  });

  it("takes its own example, and does nothing in phases that there are not", async () => {
    const policy = (await loadPolicy(kind))!;
    const { settings, problems } = readSample(policy);
    expect(problems).toEqual([]);
    const hooks = policy.compile(settings, toolsOf("chat"));
    expect(Object.keys(hooks).filter((phase) => !PHASES.includes(phase))).toEqual([]);
    expect(Object.keys(hooks).length).toBeGreaterThan(0);
  });

  it("keeps what it knows to itself: what one does changes nothing for another, or for the same one made anew", async () => {
    const policy = (await loadPolicy(kind))!;
    const { settings } = readSample(policy);
    const first = await outcomes(policy.compile(settings, toolsOf("chat")));
    expect(await outcomes(policy.compile(settings, toolsOf("chat")))).toEqual(first);
    const tools = toolsOf("chat");
    await outcomes(policy.compile(settings, tools));
    expect(await outcomes(policy.compile(settings, { ...tools, route: "other" }))).toEqual(first);
  });

  it("tells no secret of its settings when it refuses them", async () => {
    const policy = (await loadPolicy(kind))!;
    const { settings } = readSample(policy);
    spoil(policy.settings as DescMessage, settings);
    expect(JSON.stringify(policy.check?.(settings) ?? [])).not.toMatch(CANARY);
  });
});

/** Makes every secret one that no policy can take. */
function spoil(desc: DescMessage, message: Message): void {
  const holder = reflect(desc, message);
  for (const field of holder.fields) {
    if (!holder.isSet(field)) continue;
    if (isSecret(field) && field.fieldKind === "scalar") holder.set(field, "canary-\n");
    else if (field.fieldKind === "message") spoil(field.message, holder.get(field).message);
    else if (field.fieldKind === "list" && field.listKind === "message")
      for (const one of holder.get(field)) spoil(field.message, (one as { message: Message }).message);
  }
}
