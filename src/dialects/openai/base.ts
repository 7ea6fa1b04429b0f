import type { SettingsProblem } from "../../core/provider.ts";

/** Whether a text can be the base of an API: http or https, with a path or not, and nothing else. */
export function isHttpBase(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && !(search || hash || username || password);
}

/** Whether every character can stand in a header's value, as a key must. */
export function isHeaderText(text: string): boolean {
  return !/[^\x20-\x7e]/.test(text);
}

/**
 * What is wrong with a provider's keys and addresses, by the names of their settings. An empty one is left to its own rules.
 *
 * @param example An address as it should be.
 */
export function accessProblems(
  keys: Readonly<Record<string, string>>,
  addresses: Readonly<Record<string, string>>,
  example: string,
): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  for (const [path, key] of Object.entries(keys)) {
    const message = "has a character that no HTTP header can carry; check that the key was copied whole";
    if (!isHeaderText(key)) problems.push({ path, message });
  }
  for (const [path, address] of Object.entries(addresses)) {
    const message = `must be an http or https address such as ${example}`;
    if (address !== "" && !isHttpBase(address)) problems.push({ path, message });
  }
  return problems;
}

/** Headers of every request with a JSON body, before those that say who asks. */
export const JSON_REQUEST = ["content-type", "application/json", "accept-encoding", "identity"] as const;

/** Where a base stands, and the path before every operation's. */
export function splitBase(base: string): { readonly origin: string; readonly prefix: string } {
  const { origin, pathname } = new URL(base);
  return { origin, prefix: pathname.replace(/\/+$/, "") };
}
