/** What a watch looks at. */
export interface WatchSettings {
  /** Something that is another after anybody changed the store. */
  look(): Promise<unknown>;
  readonly pollMs: number;
  /** Told of a listener that throws, and of looks that begin to fail. */
  readonly failed: (error: unknown) => void;
}

/** Tells listeners that something may have changed: when somebody says so, and when a look every `pollMs` finds it. */
export class Watch {
  readonly #settings: WatchSettings;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** `undefined`: whatever is seen next is new. */
  #seen: unknown;
  #failing = false;
  #due = false;
  #closed = false;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  /** Returns how to stop. The listener is called soon, too, in case something changed just before. */
  on(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    this.#seen = undefined;
    if (!this.#looking) void this.#look();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) clearTimeout(this.#timer);
    };
  }

  /** Calls the listeners, once for all that is told before they run. */
  told(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      for (const listener of this.#listeners) {
        try {
          listener();
        } catch (error) {
          this.#settings.failed(error);
        }
      }
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#timer);
    try {
      const now = await this.#settings.look();
      if (now !== this.#seen) this.told();
      this.#seen = now;
      this.#failing = false;
    } catch (error) {
      // Of a failure that lasts, its begin is told.
      if (!this.#failing && !this.#closed) this.#settings.failed(error);
      this.#failing = true;
      this.#seen = undefined;
    }
    this.#looking = false;
    if (this.#closed || this.#listeners.size === 0) return;
    this.#timer = setTimeout(() => void this.#look(), this.#settings.pollMs).unref();
  }
}
