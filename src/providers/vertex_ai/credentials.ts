import { createPrivateKey } from "node:crypto";
import { type JsonObject, parsedObject } from "../../core/json.ts";

/** Who asks, as the settings say it. */
export type Credential =
  | { readonly kind: "default" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "account"; readonly account: ServiceAccount }
  /** JSON of another kind, such as `external_account`, which Google's library knows. */
  | { readonly kind: "other"; readonly json: JsonObject };

/** A service account's key, as Google hands it out. https://cloud.google.com/iam/docs/keys-create-delete */
export interface ServiceAccount {
  readonly email: string;
  /** PEM. */
  readonly privateKey: string;
  readonly keyId: string | undefined;
  readonly project: string | undefined;
  /** Where tokens are had. */
  readonly tokenUri: string;
}

const TOKEN_URI = "https://oauth2.googleapis.com/token";

/** Reads `vertex_credentials`. Throws `Error` with what is wrong, in words that hold nothing of it. */
export function credentialOf(text: string): Credential {
  const plain = text.trim();
  if (plain === "") return { kind: "default" };
  if (!plain.startsWith("{")) {
    if (/[^\x21-\x7e]/.test(plain)) throw new Error("is neither a credential as JSON nor an access token");
    return { kind: "token", token: plain };
  }
  const json = parsed(plain);
  if (json["type"] !== "service_account" && json["private_key"] === undefined) return { kind: "other", json };
  return { kind: "account", account: accountOf(json) };
}

function accountOf(json: JsonObject): ServiceAccount {
  const text = (name: string) => {
    const value = json[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [email, privateKey] = [text("client_email"), text("private_key")];
  if (email === undefined || privateKey === undefined) {
    throw new Error("is no service account's key: it has no client_email, or no private_key");
  }
  try {
    createPrivateKey(privateKey);
  } catch {
    throw new Error(
      "has a private_key that cannot be read; check that the file was copied whole, line breaks included",
    );
  }
  const tokenUri = text("token_uri") ?? TOKEN_URI;
  if (!URL.canParse(tokenUri)) throw new Error("has a token_uri that is no address");
  return { email, privateKey, keyId: text("private_key_id"), project: text("project_id"), tokenUri };
}

function parsed(text: string): JsonObject {
  const json = parsedObject(text);
  if (json !== undefined) return json;
  // Without the parser's words: they quote the text.
  throw new Error("is not valid JSON; check that the credential was copied whole");
}
