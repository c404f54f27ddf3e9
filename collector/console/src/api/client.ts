// SPDX-License-Identifier: Apache-2.0
// One thin client of /api/v1: JSON in, JSON out, problems as exceptions that carry the server's own
// words.
import type {
    BulkRequest,
    BulkResult,
    Enrolment,
    EveRecord,
    Incident,
    IncidentDetail,
    ListQuery,
    Me,
    Page,
    Sensor,
    State,
    Stats,
    Transition,
} from "./types.ts";

export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly title: string,
        readonly detail: string,
        readonly rule: string | null = null,
        readonly retryAfter: number | null = null,
    ) {
        super(detail || title);
    }
}

/**
 * No answer at all: the network or the collector is away. Nothing is known about what happened to
 * the request.
 */
export class Unreachable extends Error {}

const BASE = "/api/v1";
const TIMEOUT_MS = 20_000;

interface Options {
    body?: unknown;
    version?: number;
    signal?: AbortSignal;
    /** The body's type when it is not JSON; the body is then sent as it is. */
    type?: string;
}

/** What a list or a report is asked for; what is empty is not asked. */
export type Query = Record<string, string | number | null | undefined>;

export function withQuery(path: string, query: Query): string {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
        if (value !== null && value !== undefined && value !== "") params.set(name, String(value));
    const text = params.toString();
    return text ? `${path}?${text}` : path;
}

async function problemOf(reply: Response): Promise<Problem> {
    const body = (await reply.json().catch(() => ({}))) as Partial<Problem>;
    const wait = Number(reply.headers.get("Retry-After"));
    return new Problem(
        reply.status,
        typeof body.title === "string" ? body.title : reply.statusText,
        typeof body.detail === "string" ? body.detail : "",
        typeof body.rule === "string" ? body.rule : null,
        wait > 0 ? wait : null,
    );
}

const LISTS = ["stages", "sensors", "feeds", "reasons", "spark"] as const;
const DETAIL_LISTS = ["factors", "signal_list", "timeline", "notes", "allowed"] as const;

/** A collector newer or older than this page may leave a member out: a list is then empty, not missing. */
function filled<T extends Incident>(row: T): T {
    const out = row as Record<string, unknown>;
    for (const key of "signal_list" in out ? [...LISTS, ...DETAIL_LISTS] : LISTS) out[key] ??= [];
    out.victim ??= "";
    out.rsit ??= { class: "other", type: "undetermined" };
    return row;
}

function bodyOf({ body, type }: Options): string | undefined {
    if (body === undefined) return undefined;
    return type ? String(body) : JSON.stringify(body);
}

/** Ends when the caller gives up, and by itself when no answer comes. */
function within(signal?: AbortSignal): AbortSignal {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    if (!signal) return timeout;
    const either = new AbortController();
    for (const one of [signal, timeout])
        one.addEventListener("abort", () => either.abort(), { once: true });
    return either.signal;
}

/** Where a file of the API lies that the browser itself fetches (an export, a report). */
export const fileAt = (path: string, query: Query = {}): string => withQuery(BASE + path, query);

export class Client {
    csrf = "";
    /**
     * Called when the server no longer knows our session, so that the page can ask for it again.
     */
    onSignedOut: () => void = () => {};

    private async request<T>(method: string, path: string, options: Options = {}): Promise<T> {
        const headers: Record<string, string> = { Accept: "application/json" };
        if (method !== "GET") headers["X-Abeng-CSRF"] = this.csrf;
        if (options.body !== undefined)
            headers["Content-Type"] = options.type ?? "application/json";
        if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
        try {
            const reply = await fetch(BASE + path, {
                method,
                headers,
                body: bodyOf(options),
                credentials: "same-origin",
                cache: "no-store",
                signal: within(options.signal),
            });
            if (!reply.ok) throw await problemOf(reply);
            return reply.status === 204 ? (undefined as T) : ((await reply.json()) as T);
        } catch (err) {
            if (options.signal?.aborted) throw err;
            if (!(err instanceof Problem)) throw new Unreachable(String(err));
            if (err.status === 401 && path !== "/session" && path !== "/me") this.onSignedOut();
            throw err;
        }
    }

    async signIn(user: string, password: string, code?: string): Promise<Me> {
        const body = code ? { user, password, code } : { user, password };
        const me = await this.request<Me>("POST", "/session", { body });
        this.csrf = me.csrf;
        return me;
    }

    async me(): Promise<Me> {
        const me = await this.request<Me>("GET", "/me");
        this.csrf = me.csrf;
        return me;
    }

    /** Anything that is read, and anything that is written: pages name their own paths. */
    read = <T>(path: string, query: Query = {}) => this.request<T>("GET", withQuery(path, query));
    list = <T>(path: string, query: Query = {}) =>
        this.request<Page<T>>("GET", withQuery(path, { limit: 200, ...query }));
    write = <T>(
        method: "POST" | "PATCH" | "DELETE",
        path: string,
        body?: unknown,
        version?: number,
    ) => this.request<T>(method, path, { body, version });
    upload = <T>(path: string, query: Query, text: string, type: string) =>
        this.request<T>("POST", withQuery(path, query), { body: text, type });

    signOut = () => this.request<void>("DELETE", "/session");
    states = () => this.request<Page<State>>("GET", "/states");
    stats = () => this.request<Stats>("GET", "/stats");
    sensors = () => this.request<Page<Sensor>>("GET", "/sensors?limit=500");

    incidents(
        wanted: ListQuery,
        after: string | null,
        signal?: AbortSignal,
    ): Promise<Page<Incident>> {
        const query = new URLSearchParams({ limit: "500" });
        for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
        if (after) query.set("after", after);
        return this.request<Page<Incident>>("GET", `/incidents?${query}`, { signal }).then(
            (page) => {
                page.items.forEach(filled);
                return page;
            },
        );
    }

    incident = (id: string) =>
        this.request<IncidentDetail>("GET", `/incidents/${encodeURIComponent(id)}`).then(filled);
    alerts = (id: string, limit = 50) =>
        this.request<Page<EveRecord>>(
            "GET",
            `/incidents/${encodeURIComponent(id)}/alerts?limit=${limit}`,
        );

    private verb(id: string, verb: string, version: number, body: unknown): Promise<Incident> {
        const path = `/incidents/${encodeURIComponent(id)}:${verb}`;
        return this.request<Incident>("POST", path, { body, version }).then(filled);
    }
    claim = (id: string, version: number, steal: boolean) =>
        this.verb(id, "claim", version, steal ? { steal: true } : {});
    release = (id: string, version: number) => this.verb(id, "release", version, {});
    note = (id: string, version: number, text: string) => this.verb(id, "note", version, { text });
    wait = (id: string, version: number, until: string | null, on?: "evidence") =>
        this.verb(id, "wait", version, { until, on });
    merge = (id: string, version: number, into: string) =>
        this.verb(id, "merge", version, { into });
    unmerge = (id: string, version: number) => this.verb(id, "unmerge", version, {});
    undo = (id: string, version: number) => this.verb(id, "undo", version, {});
    transition = (id: string, version: number, to: Transition) =>
        this.verb(id, "transition", version, to);
    bulk = (body: BulkRequest) =>
        this.request<{ results: BulkResult[] }>("POST", "/incidents:bulk", { body });

    enrol = (body: { name: string; states: string[]; site?: string; hold?: boolean }) =>
        this.request<Enrolment>("POST", "/sensors", { body });
    approveSensor = (id: string, fingerprint: string) =>
        this.request<Sensor>("POST", `/sensors/${encodeURIComponent(id)}:approve`, {
            body: { fingerprint },
        });
    revokeSensor = (id: string, reason: string) =>
        this.request<Sensor>("POST", `/sensors/${encodeURIComponent(id)}:revoke`, {
            body: { reason },
        });
}

export const api = new Client();
