import { Worker } from "node:worker_threads";
import type { AdminApi } from "./core/admin.ts";
import type { Told } from "./follow/told.ts";
import type { RingState } from "./keyring.ts";
import { type AdminAnswer, AdminAnswers, type AdminQuestion } from "./remote-admin.ts";
import type { Given } from "./site.ts";
import type { StageFailed } from "./staged.ts";
import type { StartOptions } from "./start.ts";

/** How long a worker may take to answer a question. */
const ANSWER_MS = 10_000;
/** What a worker is started with. */
export interface WorkerStart extends Given {
  readonly options: StartOptions;
  /** Absolute paths of the files that the crew has read. */
  readonly known: readonly string[];
  readonly port: number | undefined;
  readonly table: SharedArrayBuffer;
  /** The store's keys. */
  readonly ring: RingState;
}

/** From the crew to a worker. `id` is given back with the answer. */
export type Order =
  | ({ readonly kind: "prepare"; readonly id: number } & Given)
  | { readonly kind: "ring"; readonly id: number; readonly ring: RingState }
  | { readonly kind: "admin"; readonly answer: AdminAnswer }
  | { readonly kind: "told"; readonly id: number; readonly told: Told; readonly moved: readonly string[] }
  | { readonly kind: "commit" | "snapshot"; readonly id: number }
  | { readonly kind: "abort" | "drain" }
  | { readonly kind: "page"; readonly id: number; readonly text: string };

/** An order that is answered, before it has its `id`. */
export type Question = Unnumbered<Extract<Order, { kind: "prepare" | "told" | "ring" | "commit" | "snapshot" }>>;
type Unnumbered<One> = One extends unknown ? Omit<One, "id"> : never;

/** From a worker to the crew. */
export type Report =
  | {
      readonly kind: "ready";
      readonly port: number;
      readonly host: string;
      readonly secure: boolean;
      readonly chat: string | undefined;
      readonly locked: boolean;
    }
  | { readonly kind: "failed"; readonly message: string; readonly facts: object }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "page"; readonly id: number }
  | { readonly kind: "admin"; readonly question: AdminQuestion }
  | { readonly kind: "stageFailed"; readonly failed: StageFailed };

/** What a worker may ask of the crew. */
export interface Asked {
  /** The metrics of all threads as one page. */
  page(): Promise<string>;
  readonly admin: () => AdminApi | undefined;
  readonly stageFailed: (failed: StageFailed) => void;
}

/** A worker that answers: where, and what to greet with. */
export type Ready = Extract<Report, { kind: "ready" }>;

/** A worker could not start, for the reason that the system gave, such as EADDRINUSE. */
export class WorkerFailed extends Error {
  constructor(message: string, facts: object) {
    super(message);
    this.name = "WorkerFailed";
    Object.assign(this, facts);
  }
}

/** One worker thread, seen from the main one. */
export class Thread {
  readonly ready: Promise<Ready>;
  /** Resolves with why, when it has ended. */
  readonly ended: Promise<string>;
  wasReady = false;
  private readonly worker: Worker;
  private readonly answers = new Map<number, (value: unknown) => void>();
  private next = 1;

  constructor(start: WorkerStart, asked: Asked) {
    const answers = new AdminAnswers(asked.admin, (answer) => this.tell({ kind: "admin", answer }));
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.worker = new Worker(new URL(`./worker.${ending}`, import.meta.url), { workerData: start });
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>();
    this.ready = ready;
    let why = "";
    this.ended = new Promise((done) => {
      this.worker.on("error", (error) => {
        why = String(error);
      });
      this.worker.on("exit", (code) => {
        answers.close();
        for (const answer of this.answers.values()) answer(undefined);
        reject(new WorkerFailed(`a worker ended with ${why || code}`, {}));
        done(why || `exit code ${code}`);
      });
    });
    this.worker.on("message", (report: Report) => {
      if (report.kind === "ready") {
        this.wasReady = true;
        resolve(report);
      } else if (report.kind === "failed") {
        reject(new WorkerFailed(report.message, report.facts));
        void this.terminate();
      } else if (report.kind === "answer") this.answers.get(report.id)?.(report.value);
      else if (report.kind === "admin") answers.take(report.question);
      else if (report.kind === "stageFailed") asked.stageFailed(report.failed);
      else void asked.page().then((text) => this.tell({ kind: "page", id: report.id, text }));
    });
  }

  tell(order: Order): void {
    this.worker.postMessage(order);
  }

  /** The answer; `undefined`: it died, or took too long. */
  ask(order: Question): Promise<unknown> {
    const id = this.next++;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, undefined);
      this.answers.set(id, (value) => {
        clearTimeout(timer);
        this.answers.delete(id);
        resolve(value);
      });
      this.tell({ ...order, id } as Order);
    });
  }

  /** Ends it at once, calls under way and all. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }
}
