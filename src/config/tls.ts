import { createPrivateKey, X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import type { Tls } from "../../gen/polygate/config/v1/config_pb.js";
import { type Files, whyUnreadable } from "./files.ts";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

const certificate = (pem: Buffer): X509Certificate => new X509Certificate(pem);

/**
 * Makes the paths of `listen.tls` absolute and looks into the files: readable, PEM, and the key that of the certificate.
 * They are read through `files`, so that a renewed certificate is noticed.
 */
export async function checkTls(
  tls: Tls,
  folder: string,
  files: Files,
  origins: Origins,
  report: Report,
): Promise<void> {
  const problem = (field: string, message: string): void => {
    const { at, path } = origins.spot(tls, field);
    report.problem(at, path, message);
  };

  async function look<T>(field: string, path: string, parse: (pem: Buffer) => T): Promise<T | undefined> {
    if (path === "") return undefined;
    const content = await files.read(path);
    if (typeof content === "string") {
      problem(field, `${path}: ${whyUnreadable(content)}`);
      return undefined;
    }
    try {
      return parse(content);
    } catch {
      const what = parse === certificate ? "certificate" : "private key without a passphrase";
      problem(field, `${path}: holds no ${what} in PEM; check which file it is`);
      return undefined;
    }
  }

  for (const field of ["certFile", "keyFile", "clientCaFile"] as const) {
    if (tls[field] !== "") tls[field] = resolve(folder, tls[field]);
  }
  const own = await look("cert_file", tls.certFile, certificate);
  const key = await look("key_file", tls.keyFile, createPrivateKey);
  await look("client_ca_file", tls.clientCaFile, certificate);
  if (own && key && !own.checkPrivateKey(key)) {
    problem("key_file", `${tls.keyFile}: not the key of cert_file's certificate; give the one that belongs to it`);
  }
}
