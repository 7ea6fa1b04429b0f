import { expect, it } from "vitest";
import { ownText } from "./own-text.ts";

it.each(["", "content-type", '\0\r\n"\\/', "blåbær", "東京 🗼", "half \ud83d of a pair", "\ufffd"])(
  "is %j again",
  (text) => {
    expect(ownText(`before${text}after`.slice(6, 6 + text.length))).toBe(text);
  },
);
