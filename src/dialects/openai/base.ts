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
