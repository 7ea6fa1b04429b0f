/** Which texts are hidden, and how. */
export interface Mask {
  readonly secrets: readonly string[];
  readonly mask: (secret: string) => string;
}

/** Shorter ones are in every text. */
const LEAST = 4;
/** Headers that hold nothing but a credential, whatever it was made of. */
const CREDENTIALS =
  /^(authorization|proxy-authorization|cookie|(x-)?api-key|x-goog-api-key|x-amz-security-token|.*(token|secret).*)$/;
const HIDDEN = "***";

/** The text with every secret in it as its mask, also where it is written as URLs and JSON write it. */
export function masked({ secrets, mask }: Mask, text: string): string {
  let clean = text;
  for (const secret of secrets.toSorted((a, b) => b.length - a.length)) {
    if (secret.length < LEAST) continue;
    const forms = new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
    for (const form of forms) clean = clean.replaceAll(form, mask(secret));
  }
  return clean;
}

/** The headers by their names in lower case. What a credential was made of may not be seen in it, as in a signature. */
export function maskedHeaders(all: Mask, headers: readonly string[]): Record<string, string> {
  const shown: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!.toLowerCase(), headers[i + 1]!];
    const clean = masked(all, value);
    const scheme = /^(?:[\w-]+ )?/.exec(value)![0];
    shown[name] = CREDENTIALS.test(name) && clean === value ? `${scheme}${HIDDEN}` : clean;
  }
  return shown;
}
