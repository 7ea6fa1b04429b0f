import type { Config, Route } from "../../gen/polygate/config/v1/config_pb.js";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

type Mlflow = NonNullable<Config["mlflow"]>;

/** What is of no use without a registry. */
const REGISTRY = [
  "tracking_uri",
  "token",
  "username",
  "password",
  "poll_interval",
  "model_server_url",
  "url_tag",
  "serve",
  "local",
  "discover",
  "discover_by",
];

/** Of a route: the format is all that it may have. */
export function formatAlone(mlflow: NonNullable<Route["mlflow"]>, origins: Origins, report: Report): void {
  for (const name of REGISTRY) {
    const given = origins.field(mlflow, name);
    if (given) report.problem(given.at, given.path, "is the gateway's; move it to mlflow at the top of the file");
  }
}

/** Of the file: how the registry is asked, and where its models are served. */
export function registryAccess(mlflow: Mlflow, origins: Origins, report: Report): void {
  const { trackingUri, token, username, password } = mlflow;
  const tell = (name: string, message: string) => {
    const { at, path } = origins.spot(mlflow, name);
    if (!report.has(path)) report.problem(at, path, message);
  };
  const given = REGISTRY.find((name) => origins.field(mlflow, name));
  if (trackingUri === "" && given !== undefined) tell("tracking_uri", `missing; ${given} is of no use without it`);
  if (trackingUri !== "" && !isHttp(trackingUri)) tell("tracking_uri", "want an address such as http://mlflow:5000");
  if (token !== "" && username !== "") tell("token", "cannot stand beside username; remove one of them");
  if ((username === "") !== (password === "")) {
    tell(username === "" ? "username" : "password", "is needed with the other one");
  }
  const ports = mlflow.local && portsOf(mlflow.local.ports);
  if (ports && (ports[0] < 1 || ports[1] < ports[0] || ports[1] > 65_535)) {
    const { at, path } = origins.spot(mlflow.local!, "ports");
    report.problem(at, path, "want ports such as 20000-20099, the first one not above the last");
  }
  places(mlflow, (name) => origins.field(mlflow, name) !== undefined, tell);
}

function places(
  { modelServerUrl, serve, discover }: Mlflow,
  has: (name: string) => boolean,
  tell: (name: string, message: string) => void,
): void {
  const filled = modelServerUrl.replaceAll("{model}", "m").replaceAll("{version}", "1").split(",");
  if (modelServerUrl !== "" && !filled.every((one) => isHttp(one.trim()) && !/[{}?#]/.test(one))) {
    tell("model_server_url", "want an address such as http://models/{model}/{version}");
  }
  const asked = ["model_server_url", "url_tag"].find(has);
  if (serve === "local" && asked !== undefined) {
    tell(asked, "is of no use beside serve: local, which serves every version itself; remove one of them");
  }
  if (serve === "" && has("local")) tell("local", "is of no use without serve: local");
  if (discover.length === 0 && has("discover_by")) tell("discover_by", "is of no use without discover");
}

/** The first and the last of a range such as `20000-20099`; `undefined`: any. */
export function portsOf(text: string): readonly [first: number, last: number] | undefined {
  const [first, last] = text.split("-").map(Number);
  return text === "" || first === undefined || last === undefined ? undefined : [first, last];
}

const isHttp = (text: string) => /^https?:\/\/[^/@]+(\/|$)/.test(text) && URL.canParse(text);
