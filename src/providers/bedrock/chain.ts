import { GatewayError } from "../../core/errors.ts";
import type { Lease } from "./lease.ts";

/**
 * Keys from where AWS's tools look for them: variables, shared files, single sign-on, a web identity, a container's or an
 * instance's role. AWS's own package does it, loaded when it is first asked: it takes 100 ms and 20 MB.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export async function chainKeys(region: string): Promise<Lease> {
  try {
    const { fromNodeProviderChain } = await import("@aws-sdk/credential-providers");
    // Made anew each time: one that is kept gives the keys that AWS has just refused.
    const found = await fromNodeProviderChain({ clientConfig: { region } })();
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = found;
    return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresAt: expiration?.getTime() };
  } catch (cause) {
    const what = "its operator must set keys, a role or a bearer token in aws_config, or give the process a credential";
    throw new GatewayError(`The gateway finds no AWS credential; ${what}.`, { reason: "UPSTREAM_CREDENTIALS" }, cause);
  }
}
