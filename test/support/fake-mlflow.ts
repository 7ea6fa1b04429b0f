#!/usr/bin/env node
/**
 * Stands in for the command `mlflow models serve`: answers with the version that it was told to serve. Version 9 ends at once. The
 * input says what else is to happen: `["die"]` ends it, `["hold"]` is answered when it is told to end.
 */
import { createServer } from "node:http";

const word = (name: string) => process.argv[process.argv.indexOf(name) + 1]!;
const version = word("-m").split("/").at(-1)!;
const held: (() => void)[] = [];

if (version === "9") {
  process.stderr.write("the model cannot be loaded\n");
  process.exit(1);
}

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const reply = (status: number, json: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    };
    const answer = { predictions: [Number(version)], pid: process.pid, environment: Object.keys(process.env) };
    if (request.url === "/ping") reply(404, {});
    else if (request.url === "/health") reply(200, {});
    else {
      const body = Buffer.concat(parts).toString();
      if (body.includes("die")) process.exit(7);
      if (body.includes("hold")) held.push(() => reply(200, answer));
      else reply(200, answer);
    }
  });
});
server.listen(Number(word("--port")), word("--host"), () => process.stdout.write(`serving version ${version}\n`));
// As uvicorn and gunicorn do: what is under way is answered first.
process.on("SIGTERM", () => {
  process.stdout.write("stopping\n");
  server.close(() => process.exit(0));
  for (const answer of held) answer();
});
