import { Client, type ClientConfig } from "pg";
import { failure, within } from "./failure.ts";

/** The channel of all gateways of one database. */
export const CHANNEL = "polygate_ledger";
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** How often the connection is tried, lest it is dead without a word. */
const CHECK_MS = 15_000;
const ANSWER_MS = 2_500;

/** What notices are listened to with. */
export interface NoticesSettings {
  readonly client: ClientConfig;
  /** Is in no text that is told. */
  readonly secret: string;
  /** Told of a notice, with what its sender said; of nothing in particular when some may have been missed. */
  readonly told: (said: string | undefined) => void;
  /** Told when the connection is lost, once for each time. */
  readonly failed: (error: unknown) => void;
}

/** Listens for notices on a connection of its own, which it makes again whenever it is lost. */
export class Notices {
  readonly #settings: NoticesSettings;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;

  constructor(settings: NoticesSettings) {
    this.#settings = settings;
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  async #connect(): Promise<void> {
    const { client: config, told } = this.#settings;
    try {
      const client = new Client(config);
      this.#client = client;
      client.on("error", (error) => this.#lost(client, error));
      client.on("end", () => this.#lost(client, new Error("the connection was closed")));
      client.on("notification", ({ payload }) => told(payload ?? ""));
      await within(ANSWER_MS, client.connect());
      await within(ANSWER_MS, client.query(`listen ${CHANNEL}`));
      if (this.#client !== client) return;
      this.#pauseMs = FIRST_PAUSE_MS;
      // Notices of the time before are gone.
      told(undefined);
      this.#later(CHECK_MS, () => this.#check(client));
    } catch (error) {
      this.#lost(this.#client, error);
    }
  }

  async #check(client: Client): Promise<void> {
    try {
      await within(ANSWER_MS, client.query("select 1"));
      if (this.#client === client) this.#later(CHECK_MS, () => this.#check(client));
    } catch (error) {
      this.#lost(client, error);
    }
  }

  #lost(client: Client | undefined, error: unknown): void {
    if (this.#closed || client !== this.#client) return;
    if (this.#pauseMs === FIRST_PAUSE_MS) this.#settings.failed(failure(error, this.#settings.secret));
    this.#drop();
    this.#later(this.#pauseMs, () => this.#connect());
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #later(ms: number, what: () => Promise<void>): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void what(), ms).unref();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    client?.end().catch(() => undefined);
  }
}
