// SPDX-License-Identifier: Apache-2.0
// The live stream: server-sent events with our own reconnecting, because the page must be able to
// say since when it is blind.
import type { IncidentEvent } from "./types.ts";

export interface StreamHandlers {
    incident(event: IncidentEvent): void;
    sensor(id: string): void;
    /**
     * What came before this moment may have been missed (the line is up, for the first time or
     * again; the server can't continue where we were): load everything again.
     */
    reset(): void;
    /**
     * `since` is the moment of the last sign of life while the link is down, null while it is up.
     */
    link(since: number | null): void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

export class LiveStream {
    private source: EventSource | null = null;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private retry = FIRST_RETRY_MS;
    private lastSign = Date.now();
    private stopped = false;

    constructor(private readonly handlers: StreamHandlers) {}

    start(): void {
        this.stopped = false;
        window.addEventListener("offline", this.onOffline);
        window.addEventListener("online", this.onOnline);
        this.open();
    }

    stop(): void {
        this.stopped = true;
        window.removeEventListener("offline", this.onOffline);
        window.removeEventListener("online", this.onOnline);
        this.close();
    }

    /** Another request got no answer: a line that died silently is not called live. */
    doubt(): void {
        if (this.source && !this.stopped) this.down();
    }

    private close(): void {
        clearTimeout(this.timer);
        this.source?.close();
        this.source = null;
    }

    private open(): void {
        this.close();
        const source = new EventSource("/api/v1/stream");
        this.source = source;
        source.onopen = () => this.up();
        source.onerror = () => this.down();
        source.addEventListener("incident", (e) =>
            this.parsed(e, (d) => this.handlers.incident(d)),
        );
        source.addEventListener("sensor", (e) =>
            this.parsed<{ id: string }>(e, (d) => this.handlers.sensor(d.id)),
        );
        source.addEventListener("reset", () => this.handlers.reset());
    }

    private parsed<T = IncidentEvent>(event: MessageEvent<string>, use: (data: T) => void): void {
        this.lastSign = Date.now();
        try {
            use(JSON.parse(event.data) as T);
        } catch {
            this.handlers.reset(); // what we can't read, we may have missed
        }
    }

    private up(): void {
        this.retry = FIRST_RETRY_MS;
        this.lastSign = Date.now();
        this.handlers.link(null);
        this.handlers.reset();
    }

    private down(): void {
        this.close();
        this.handlers.link(this.lastSign);
        if (this.stopped) return;
        this.timer = setTimeout(() => this.open(), this.retry * (0.75 + Math.random() / 2));
        this.retry = Math.min(this.retry * 2, LAST_RETRY_MS);
    }

    private onOffline = () => this.down();
    private onOnline = () => {
        this.retry = FIRST_RETRY_MS;
        this.open();
    };
}
