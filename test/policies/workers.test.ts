/** A limit in front of several workers. MLflow counts in each of them: its limit of 2 lets 4 through with 2 workers. */
import { once } from "node:events";
import { connect } from "node:http2";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startCrew } from "../../src/workers.ts";
import { folderOf } from "../support/folder.ts";
import { silentLog } from "../support/log.ts";

const CONFIG = `
log: { level: silent }
auth: { keys: [{ name: ann, key: ann-0123456789-abcdef }] }
routes:
  - name: chat
    route_type: llm/v1/chat
    model: { provider: simulator, name: s }
    limit: { calls: 5, renewal_period: hour }
`;
const BODY = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] });

const KEY = { "x-api-key": "ann-0123456789-abcdef" };

/** One call on a connection of its own, so that the system chooses a worker anew. */
async function status(url: string, http2: boolean): Promise<number> {
  if (!http2) {
    const headers = { ...KEY, "content-type": "application/json", connection: "close" };
    return (await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: BODY })).status;
  }
  const session = connect(url);
  const request = session.request({ ":method": "POST", ":path": "/v1/chat/completions", ...KEY });
  request.end(BODY);
  const [headers] = await once(request, "response");
  request.resume();
  await once(request, "close");
  session.close();
  return Number(headers[":status"]);
}

it("lets as many calls through as it says, whichever workers they meet, over HTTP/1.1 and h2c", async () => {
  const configPath = join(folderOf({ "polygate.yaml": CONFIG }), "polygate.yaml");
  const crew = await startCrew({ configPath, port: 0, log: silentLog() }, 2);
  try {
    const url = `http://127.0.0.1:${crew.ready.port}`;
    const statuses = await Promise.all(Array.from({ length: 40 }, (_, nth) => status(url, nth % 2 === 0)));
    expect(statuses.filter((one) => one === 200)).toHaveLength(5);
    expect(statuses.filter((one) => one === 429)).toHaveLength(35);
  } finally {
    await crew.close();
  }
});
