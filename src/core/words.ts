/** Names written in one text, apart by blanks or line ends: long lists of them read better so than as one string a line. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
