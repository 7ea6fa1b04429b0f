const known = new Map<string, RegExp>();

/**
 * Whether the text matches a pattern of our protos, by JavaScript's own expressions. The validator's looks at all of Unicode when it
 * first meets a `\p{L}`, for 200 ms in which nobody is answered.
 */
export function matches(pattern: string, text: string): boolean {
  let own = known.get(pattern);
  if (own === undefined) {
    own = new RegExp(pattern, "u");
    known.set(pattern, own);
  }
  return own.test(text);
}
