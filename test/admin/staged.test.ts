/** A revision that serves a part of the calls first. */
import { expect, it } from "vitest";
import { Cause, RevisionState } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { chat, runAdmin, simulated } from "./gateway.ts";

const FILE = "log: { level: silent }\nroutes: []\n";

it.each([1, 2])("is rolled back by itself when more of its calls fail, with %i workers", async (workers) => {
  await using running = await runAdmin(FILE, { workers });
  const { url, routes, revisions } = running;
  await routes.createRoute({ route: simulated("chat", "good") });
  const bad = {
    ...simulated("chat", "bad"),
    model: { provider: "simulator", name: "m", config: { faults: [{ status: 500 }] } },
  };
  const stage = { percent: 50, minCalls: 4, marginPercent: 10 };
  await routes.updateRoute({ route: bad, stage });
  expect((await revisions.getRevision({})).revision).toMatchObject({ number: 3n, state: RevisionState.STAGED });
  let refused = 0;
  await expect
    .poll(
      async () => {
        for (let i = 0; i < 8; i++) if ((await chat(url, "chat")) !== "good") refused++;
        return (await revisions.getRevision({})).revision;
      },
      { timeout: 20_000 },
    )
    .toMatchObject({
      number: 4n,
      cause: Cause.AUTOMATIC_ROLLBACK,
      restores: 2n,
      reason: expect.stringMatching(/% of \d+ calls failed/),
    });
  expect(refused).toBeGreaterThanOrEqual(4);
  for (let i = 0; i < 8; i++) expect(await chat(url, "chat")).toBe("good");
});

it("tells its number in the answers that it gives, and serves all calls once promoted", async () => {
  let draw = 0.99;
  await using running = await runAdmin(FILE, { random: () => draw });
  const { url, routes, revisions } = running;
  await routes.createRoute({ route: simulated("chat", "old") });
  await routes.updateRoute({ route: simulated("chat", "young"), stage: { percent: 10 } });
  const ask = async () => {
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    await response.text();
    return /revision=(\d+)/.exec(response.headers.get("x-polygate-served") ?? "")?.[1];
  };
  expect([await chat(url, "chat"), await ask()]).toEqual(["old", "2"]);
  draw = 0.05;
  expect([await chat(url, "chat"), await ask()]).toEqual(["young", "3"]);
  draw = 0.99;
  await revisions.promoteRevision({ number: 3n });
  expect([await chat(url, "chat"), await ask()]).toEqual(["young", "3"]);
});
