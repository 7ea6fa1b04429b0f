import { expect, it } from "vitest";
import { startProcess } from "./process.ts";

/** Starts a program of Node's and resolves with its first line. */
async function started(script: string) {
  const line = Promise.withResolvers<string>();
  const program = startProcess({ command: process.execPath, args: ["-e", script], env: {}, line: line.resolve });
  return { program, line: await line.promise };
}

it("ends with its group", async () => {
  const { program } = await started(`
    const { spawn } = require("node:child_process");
    spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    console.log("here");
    setInterval(() => {}, 1000);`);
  program.signal("SIGKILL");
  expect(await program.ended).toBe("SIGKILL");
  await program.closed;
});

it("is over when it was killed, though a daemon of its own went out of the group and holds its outputs", async () => {
  const { program, line } = await started(`
    const { spawn } = require("node:child_process");
    const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit", detached: true });
    console.log(daemon.pid);
    process.exit(3);`);
  try {
    expect(await program.ended).toBe("exit code 3");
    program.signal("SIGKILL");
    await program.closed;
  } finally {
    process.kill(Number(line), "SIGKILL");
  }
});
