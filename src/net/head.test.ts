import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { rawSocket } from "../../test/support/raw.ts";
import { writeHead } from "./head.ts";

/** What goes over the wire when a server begins its answer so; without the date. */
async function wire(begin: (response: ServerResponse) => void, request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n") {
  const server = createServer((_, response) => {
    begin(response);
    response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await using socket = await rawSocket((server.address() as AddressInfo).port);
    socket.send(request);
    const text = await socket.until("ok");
    return text.replace(/Date: .*\r\n/, "");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const ID = ["x-request-id", "req-1"];
const JSON_TYPE = ["content-type", "application/json"];

it.each<[string, string]>([
  ["HTTP/1.1", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ["a caller that ends the connection", "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"],
  ["a caller that waits to be told to go on", "GET / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n"],
])("says to %s what node:http says", async (_, request) => {
  for (const length of [2, undefined]) {
    const own = await wire((response) => writeHead(response, 200, JSON_TYPE, ID, length), request);
    const theirs = await wire((response) => {
      const sized = length === undefined ? [] : ["content-length", String(length)];
      response.writeHead(200, [...JSON_TYPE, ...ID, ...sized]);
    }, request);
    expect(own.split("\r\n").sort()).toEqual(theirs.split("\r\n").sort());
  }
});

it("leaves to node:http what frames an answer or ends the connection", async () => {
  const text = await wire((response) => writeHead(response, 200, [], [...ID, "Connection", "close"], 2));
  expect(text).toContain("Connection: close\r\n");
  expect(text).not.toContain("keep-alive");
});

it.each([
  ["x-a", "a\r\nset-cookie: b"],
  ["x-a", "a\nb"],
  ["x-a", "\u6771"],
  ["x a", "a"],
  ["x-a:b\r\nx", "a"],
])("refuses the header %j: %j, and can answer something else then", async (name, value) => {
  const text = await wire((response) => {
    expect(() => writeHead(response, 200, [name, value], ID, 2)).toThrow(TypeError);
    writeHead(response, 500, [], ID, 2);
  });
  expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\nx-request-id: req-1\r\n/);
});
