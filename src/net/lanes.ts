import type { Socket } from "node:net";
import type { Port } from "./host.ts";
import { Lane } from "./lane.ts";
import type { HeadLimits } from "./plain-head.ts";
import { giveTo, type Server } from "./sniff.ts";

/** What the connections of a port share. Times in milliseconds. */
export interface LaneSettings extends HeadLimits {
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * The connections whose requests are read by ourselves: `plainHead` says which. Node's own server reads what is not as plain, and
 * has the connection from then on. What `node:http` does for a call with objects, streams and events of its own takes a third of
 * what a forwarder takes in all; and what is safe about it, it decides on the heads that leave a doubt.
 */
export class Lanes {
  readonly port: Port;
  readonly settings: LaneSettings;
  private readonly http1: Server;
  private readonly lanes = new Set<Lane>();
  private kept = "";
  private ended = "";

  /** @param http1 Who takes what is not plain. */
  constructor(settings: LaneSettings, port: Port, http1: Server) {
    this.settings = settings;
    this.port = port;
    this.http1 = http1;
    this.date();
  }

  /**
   * Takes a connection that speaks HTTP/1.
   *
   * @param bytes What has come of it.
   */
  take(socket: Socket, bytes?: Buffer): void {
    const lane = new Lane(socket, this);
    this.lanes.add(lane);
    if (bytes !== undefined) lane.data(bytes);
  }

  /** Called about once a second: ends connections that have been without a request for too long. */
  look(now: number): void {
    this.date();
    for (const lane of this.lanes) lane.look(now);
  }

  /** Ends connections without a request. */
  endIdle(): void {
    for (const lane of this.lanes) lane.endIdle();
  }

  /** The last headers of an answer and the empty line. @param stays The connection is kept. */
  tail(stays: boolean): string {
    return stays ? this.kept : this.ended;
  }

  /** It is over, or was given away. */
  released(lane: Lane): void {
    this.lanes.delete(lane);
  }

  /** Node's own server reads a connection from here on. */
  give(socket: Socket, bytes: Buffer): void {
    giveTo(this.http1, socket, bytes);
  }

  private date(): void {
    const date = `Date: ${new Date().toUTCString()}\r\n`;
    this.kept = `${date}Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(this.settings.idleTimeoutMs / 1000)}\r\n\r\n`;
    this.ended = `${date}Connection: close\r\n\r\n`;
  }
}
