import { describe, expect, it } from "vitest";
import { errors } from "../../core/errors.ts";
import { type Lease, LeasedKeys } from "./lease.ts";

const MINUTE = 60_000;

/** Keys that are lent for `minutes` at a time, by a lender whose answers a test gives. */
function lent(minutes: number | undefined) {
  const asked: { resolve: () => void; reject: (why: unknown) => void }[] = [];
  const time = { now: 0 };
  const source = new LeasedKeys(
    () => {
      const { promise, resolve, reject } = Promise.withResolvers<Lease>();
      const n = asked.length + 1;
      const keys = { accessKeyId: `id-${n}`, secretAccessKey: "s" };
      const expiresAt = minutes === undefined ? undefined : time.now + minutes * MINUTE;
      asked.push({ resolve: () => resolve({ keys, expiresAt }), reject });
      return promise;
    },
    { wallNow: () => time.now },
  );
  const id = async () => (await source.keys()).accessKeyId;
  return { source, asked, time, id };
}

describe("keys that are lent", () => {
  it("are asked for once, whoever waits for them", async () => {
    const { asked, id } = lent(15);
    const all = Promise.all(Array.from({ length: 100 }, id));
    expect(asked).toHaveLength(1);
    asked[0]!.resolve();
    expect(new Set(await all)).toEqual(new Set(["id-1"]));
  });

  it("are renewed once before they end, while everybody goes on with the old ones", async () => {
    const { source, asked, time, id } = lent(15);
    void id();
    asked[0]!.resolve();
    await id();
    time.now = 10 * MINUTE - 1;
    expect(source.keys()).toMatchObject({ accessKeyId: "id-1" });
    expect(asked).toHaveLength(1);
    time.now = 10 * MINUTE;
    for (let n = 0; n < 100; n++) expect(source.keys()).toMatchObject({ accessKeyId: "id-1" });
    expect(asked).toHaveLength(2);
    asked[1]!.resolve();
    await Promise.resolve();
    await new Promise((done) => setImmediate(done));
    expect(source.keys()).toMatchObject({ accessKeyId: "id-2" });
    expect(asked).toHaveLength(2);
  });

  it("are waited for again once they end within half a minute", async () => {
    const { source, asked, time, id } = lent(15);
    void id();
    asked[0]!.resolve();
    await id();
    time.now = 14.5 * MINUTE;
    const later = id();
    expect(asked).toHaveLength(2);
    expect(source.keys()).toBeInstanceOf(Promise);
    asked[1]!.resolve();
    expect(await later).toBe("id-2");
  });

  it("outlive a renewal that fails, which is tried again a second later and not before", async () => {
    const { source, asked, time, id } = lent(15);
    void id();
    asked[0]!.resolve();
    await id();
    time.now = 11 * MINUTE;
    await id();
    asked[1]!.reject(errors.unreachable("bedrock: AWS STS"));
    await new Promise((done) => setImmediate(done));
    time.now += 999;
    expect(source.keys()).toMatchObject({ accessKeyId: "id-1" });
    expect(asked).toHaveLength(2);
    time.now += 1;
    await id();
    expect(asked).toHaveLength(3);
    asked[2]!.resolve();
    await new Promise((done) => setImmediate(done));
    expect(await id()).toBe("id-3");
  });

  it("fail for all who wait when there are no others, and for who comes within a second without being asked for", async () => {
    const { source, asked, time, id } = lent(15);
    const all = Promise.allSettled([id(), id()]);
    asked[0]!.reject(errors.unreachable("bedrock: AWS STS"));
    for (const one of await all) expect(one).toMatchObject({ status: "rejected", reason: { http: 503 } });
    time.now += 500;
    expect(() => source.keys()).toThrow("bedrock: AWS STS cannot be reached");
    expect(asked).toHaveLength(1);
    time.now += 500;
    const again = id();
    asked[1]!.resolve();
    expect(await again).toBe("id-2");
  });

  it("are replaced when AWS refuses them, unless they are quite new or replaced already", async () => {
    const { source, asked, time, id } = lent(undefined);
    void id();
    asked[0]!.resolve();
    const old = await source.keys();
    time.now = 9_999;
    source.refused(old);
    expect(source.keys()).toBe(old);
    time.now = 10_000;
    source.refused(old);
    const next = id();
    asked[1]!.resolve();
    expect(await next).toBe("id-2");
    time.now = 60_000;
    source.refused(old);
    expect(source.keys()).toMatchObject({ accessKeyId: "id-2" });
    expect(asked).toHaveLength(2);
  });
});
