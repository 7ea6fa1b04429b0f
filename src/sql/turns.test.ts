import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

it("gives turns one at a time, in the order in which they were asked for", async () => {
  const turns = new Turns();
  const order: number[] = [];
  let at = 0;
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const end = await turns.take(10_000);
      expect(++at).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(n);
      at--;
      end();
    }),
  );
  expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

it("refuses whom it keeps waiting too long, and goes on with the next", async () => {
  const turns = new Turns();
  const end = await turns.take();
  const short = turns.take(1);
  const long = turns.take(10_000);
  await expect(short).rejects.toMatchObject({ fault: { reason: "STORE_UNAVAILABLE" } });
  end();
  (await long)();
  (await turns.take())();
});
