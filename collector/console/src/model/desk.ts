// SPDX-License-Identifier: Apache-2.0
// The analyst's desk: holds the queue of the present search, follows the live stream, and carries
// out decisions at once on the screen and then at the collector, one after another per incident.
import { Problem, Unreachable, api } from "../api/client.ts";
import type {
    Incident,
    IncidentDetail,
    IncidentEvent,
    TimelineEntry,
    Transition,
} from "../api/types.ts";
import { t } from "../msg/index.ts";
import { app, notify } from "./app.ts";
import { Queue, type Shown } from "./queue.ts";
import { matcher, matches, toQuery } from "./search.ts";
import { Store } from "./store.ts";

export type Decision =
    | { verb: "claim"; steal?: boolean }
    | { verb: "release" }
    | { verb: "note"; text: string }
    | { verb: "wait"; until: string | null; on?: "evidence" }
    | { verb: "merge"; into: string }
    | { verb: "unmerge" }
    | { verb: "undo" }
    | { verb: "transition"; transition: Transition };

export interface DeskState {
    /** Rises with every change of the queue: the view's only reason to redraw. */
    revision: number;
    loading: boolean;
    failed: string | null;
    /** Rows put in before the cursor since the view last moved along. */
    above: number;
}

const STREAM_PAUSE_MS = 250;
const SINGLE_READS = 12;
const RETRIES_ON_EVIDENCE = 3;
const UNDO_DEPTH = 50;
const LATEST_KEPT = 100;

interface Undo {
    id: string;
    decision: Decision;
}

export class Desk extends Store<DeskState> {
    readonly queue = new Queue();
    private q = "";
    private next: string | null = null;
    private reading: AbortController | null = null;
    private chains = new Map<string, Promise<unknown>>();
    private undos: Undo[] = [];
    private latest = new Map<string, Incident>();
    private changed = new Map<string, IncidentEvent>();
    private changeTimer: ReturnType<typeof setTimeout> | undefined;
    private details = new Map<string, Set<(detail: IncidentDetail) => void>>();

    constructor() {
        super({ revision: 0, loading: false, failed: null, above: 0 });
    }

    /** Says that the queue was changed by the view itself (cursor, checks). */
    touch(above = 0): void {
        this.set({ revision: this.state.revision + 1, above: this.state.above + above });
    }

    // ---- reading ----

    /** The search whose list is held. */
    get query(): string {
        return this.q;
    }

    /** The list of `q`: one that is held is shown as it stands and read again without moving. */
    open(q: string): Promise<void> {
        const held = q === this.q && this.queue.size > 0 && !this.state.failed;
        return held ? this.refresh() : this.load(q);
    }

    async load(q: string): Promise<void> {
        this.q = q;
        this.reading?.abort();
        const reading = new AbortController();
        this.reading = reading;
        const verdict = matcher(q, app.state.me?.user ?? "");
        this.queue.narrow((row) => verdict(row) !== false);
        this.set({ loading: true, failed: null });
        this.touch();
        try {
            const page = await api.incidents(toQuery(q), null, reading.signal);
            this.next = page.next;
            this.queue.replace(page.items, page.total);
            this.set({ loading: false, above: 0 });
            this.touch();
        } catch (err) {
            if (reading.signal.aborted) return;
            const why = sayProblem(err);
            this.set({ loading: false, failed: why });
            if (this.queue.size > 0) notify("problem", t("queue.failed", { why }));
        }
    }

    /** The next page, when the view comes near the end of what is here. */
    async more(): Promise<void> {
        if (!this.next || this.state.loading || this.reading?.signal.aborted) return;
        const reading = this.reading;
        this.set({ loading: true });
        try {
            const page = await api.incidents(toQuery(this.q), this.next, reading?.signal);
            this.next = page.next;
            this.queue.append(page.items, page.total);
            this.touch();
        } catch {
            // the view asks again when it is scrolled
        } finally {
            if (reading === this.reading) this.set({ loading: false });
        }
    }

    /** Reads the same search again without moving anything: after a gap in the stream. */
    async refresh(): Promise<void> {
        const q = this.q;
        try {
            const page = await api.incidents(toQuery(q), null);
            if (q !== this.q) return;
            const { above } = this.queue.merge(page.items, page.total, page.next === null);
            this.touch(above);
        } catch {
            // the stream's own reconnecting brings the next chance
        }
        for (const id of this.details.keys()) void this.reread(id);
    }

    // ---- following the stream ----

    onIncident(event: IncidentEvent): void {
        this.changed.set(event.id, event);
        this.changeTimer ??= setTimeout(() => {
            this.changeTimer = undefined;
            const events = [...this.changed.values()];
            this.changed.clear();
            void this.follow(events);
        }, STREAM_PAUSE_MS);
    }

    private async follow(events: IncidentEvent[]): Promise<void> {
        const news = events.filter((e) => (this.queue.base(e.id)?.version ?? -1) < e.version);
        if (news.length > SINGLE_READS) return this.refresh();
        await Promise.all(news.map((event) => this.reread(event.id)));
    }

    /**
     * Reads one incident and puts it where it belongs: in the list, out of it, and before whoever
     * watches it.
     */
    async reread(id: string): Promise<IncidentDetail | null> {
        try {
            const detail = await api.incident(id);
            this.receive(detail);
            for (const watcher of this.details.get(id) ?? []) watcher(detail);
            return detail;
        } catch (err) {
            if (err instanceof Problem && err.status === 404) {
                this.queue.leave(id);
                this.touch();
            }
            return null;
        }
    }

    private receive(row: Incident): void {
        this.learn(row);
        const known = this.queue.base(row.id) !== undefined;
        const verdict = matches(row, this.q, app.state.me?.user ?? "");
        if (verdict === false) {
            this.queue.put(row);
            if (known) this.queue.leave(row.id);
            this.touch();
        } else if (known) {
            this.queue.upsert(row);
            this.touch();
        } else if (verdict === true) this.touch(this.queue.upsert(row).above);
        else void this.refresh();
    }

    /** The newest version seen of an incident, in the list or not. */
    newest(id: string): Incident | undefined {
        const [listed, known] = [this.queue.base(id), this.latest.get(id)];
        return listed && known && known.version > listed.version ? known : (listed ?? known);
    }

    watchDetail(id: string, watcher: (detail: IncidentDetail) => void): () => void {
        const watchers = this.details.get(id) ?? new Set();
        this.details.set(id, watchers.add(watcher));
        return () => {
            watchers.delete(watcher);
            if (watchers.size === 0) this.details.delete(id);
        };
    }

    // ---- deciding ----

    /**
     * Carries out one decision: shown at once, sent when the one before it on the same incident has
     * been answered, taken back when the collector refuses. Resolves to whether it stands.
     */
    decide(row: Shown, decision: Decision, undoing = false): Promise<boolean> {
        this.show(row, decision);
        const before = this.chains.get(row.id) ?? Promise.resolve();
        const done = before.then(() => this.send(row, decision, undoing));
        this.chains.set(row.id, done);
        return done.finally(() => {
            if (this.chains.get(row.id) !== done) return; // another decision waits for its turn
            this.chains.delete(row.id);
            this.queue.overlay(row.id, null);
            this.touch();
        });
    }

    /**
     * On the screen at once: a row that our decision takes out of the list gives way to the next.
     */
    private show(row: Shown, decision: Decision): void {
        const me = app.state.me?.user ?? "";
        const patch = expected(decision, me, row);
        this.queue.overlay(row.id, patch);
        if (matches({ ...row, ...patch }, this.q, me) === false) this.queue.drop(row.id);
        this.touch();
    }

    private async send(row: Shown, decision: Decision, undoing: boolean): Promise<boolean> {
        const seen = this.latest.get(row.id) ?? row;
        try {
            const answer = await this.post(seen, decision, RETRIES_ON_EVIDENCE);
            this.accept(answer);
            void this.remember(row, decision, undoing);
            return true;
        } catch (err) {
            await this.explain(row, err);
            return false;
        }
    }

    /**
     * A 412 may only mean that more alerts came in: when nobody decided meanwhile, our decision
     * still holds.
     */
    private async post(seen: Incident, decision: Decision, retries: number): Promise<Incident> {
        try {
            return await request(seen, decision);
        } catch (err) {
            if (!(err instanceof Problem) || err.status !== 412 || retries === 0) throw err;
            const now = await api.incident(seen.id);
            if (!sameDecision(seen, now)) throw err;
            return this.post(now, decision, retries - 1);
        }
    }

    private accept(answer: Incident): void {
        this.learn(answer);
        const verdict = matches(answer, this.q, app.state.me?.user ?? "");
        if (verdict === false) this.queue.drop(answer.id);
        else if (verdict === true || this.queue.base(answer.id)) this.queue.upsert(answer);
        this.touch();
        if (this.details.has(answer.id)) void this.reread(answer.id);
    }

    /** Remembers an incident that may stand in no list, for the next decision on it. */
    private learn(row: Incident): void {
        const known = this.latest.get(row.id);
        if (known && known.version > row.version) return;
        this.latest.delete(row.id);
        this.latest.set(row.id, row);
        if (this.latest.size > LATEST_KEPT) this.latest.delete(this.latest.keys().next().value!);
    }

    private async remember(row: Shown, decision: Decision, undoing: boolean): Promise<void> {
        const back = undoing ? null : await this.wayBack(row.id, inverse(decision, row));
        if (back) {
            const undo: Undo = { id: row.id, decision: back };
            this.undos = [...this.undos, undo].slice(-UNDO_DEPTH);
            notify("done", sayDone(row, decision), () => void this.undo(undo));
        } else notify("done", undoing ? t("done.undone", { id: row.id }) : sayDone(row, decision));
    }

    /**
     * A way back that the collector does not have is not offered: its own undo where there is one,
     * otherwise the transition back.
     */
    private async wayBack(id: string, back: Decision | null): Promise<Decision | null> {
        if (!back || back.verb !== "transition") return back;
        try {
            const { allowed } = await api.incident(id);
            if (allowed.includes("undo")) return { verb: "undo" };
            return allowed.includes(back.transition.to) ? back : null;
        } catch {
            return null;
        }
    }

    /** Takes back the last decision that can be taken back, or the one given. */
    async undo(which?: Undo): Promise<void> {
        const undo = which ?? this.undos[this.undos.length - 1];
        if (!undo || !this.undos.includes(undo)) return notify("info", t("undo.nothing"));
        this.undos = this.undos.filter((other) => other !== undo);
        const row = (await this.reread(undo.id)) ?? this.queue.get(undo.id);
        if (row) await this.decide(row, undo.decision, true);
    }

    private async explain(row: Shown, err: unknown): Promise<void> {
        const now = await this.reread(row.id);
        if (!now && matches(row, this.q, app.state.me?.user ?? "")) this.queue.upsert(row);
        if (err instanceof Problem && (err.status === 412 || err.status === 409) && now) {
            const me = app.state.me?.user;
            const last = [...now.timeline].reverse().find((entry) => entry.who !== me && entry.who);
            const first = !sameDecision(row, now) && last;
            if (first)
                return notify(
                    "problem",
                    t("problem.first", { id: row.id, who: last.who, what: sayEntry(last) }),
                );
        }
        if (err instanceof Unreachable) notify("problem", t("problem.unsent", { id: row.id }));
        else notify("problem", t("problem.refused", { id: row.id, why: sayProblem(err) }));
    }

    /** One decision on all checked rows, with one reason. */
    async decideAll(
        ids: string[],
        verb: string,
        rest: { to?: string; outcome?: string; reason?: string },
    ): Promise<void> {
        const me = app.state.me?.user ?? "";
        for (const id of ids)
            this.queue.overlay(
                id,
                rest.to ? { status: rest.to as Incident["status"] } : { claimed_by: me },
            );
        this.touch();
        try {
            const { results } = await api.bulk({ ids, verb, ...rest });
            const refused = results.filter((result) => result.status >= 300);
            const done = ids.length - refused.length;
            if (done) notify("done", t("bulk.done", { n: done }));
            for (const result of refused.slice(0, 3))
                notify(
                    "problem",
                    t("problem.refused", {
                        id: result.id,
                        why: result.detail ?? String(result.status),
                    }),
                );
        } catch (err) {
            notify("problem", t("bulk.failed", { why: sayProblem(err) }));
        }
        for (const id of ids) this.queue.overlay(id, null);
        this.queue.checked.clear();
        await this.refresh();
        this.queue.settle();
        this.touch();
    }
}

function request(row: Incident, decision: Decision): Promise<Incident> {
    switch (decision.verb) {
        case "claim":
            return api.claim(row.id, row.version, decision.steal ?? false);
        case "release":
            return api.release(row.id, row.version);
        case "note":
            return api.note(row.id, row.version, decision.text);
        case "wait":
            // Until new alerts come: the collector knows how long that may be at most.
            return decision.on
                ? api.wait(row.id, row.version, null, decision.on)
                : api.wait(row.id, row.version, decision.until);
        case "merge":
            return api.merge(row.id, row.version, decision.into);
        case "unmerge":
            return api.unmerge(row.id, row.version);
        case "undo":
            return api.undo(row.id, row.version);
        case "transition":
            return api.transition(row.id, row.version, decision.transition);
    }
}

/** What the row will look like once the collector has agreed. */
function expected(decision: Decision, me: string, row: Incident): Partial<Incident> {
    switch (decision.verb) {
        case "claim":
            return { claimed_by: me, status: row.status === "new" ? "triage" : row.status };
        case "release":
            return { claimed_by: null };
        case "note":
            return { last_note: decision.text };
        case "wait":
            return { waiting_until: decision.until, waiting_on: decision.on ?? null };
        case "merge":
            return { status: "merged", merged_into: decision.into };
        case "unmerge":
        case "undo":
            return {}; // only the collector knows what it was before
        case "transition":
            return { status: decision.transition.to, claimed_by: row.claimed_by ?? me };
    }
}

function inverse(decision: Decision, before: Incident): Decision | null {
    if (decision.verb === "claim") return { verb: "release" };
    if (decision.verb === "release") return { verb: "claim" };
    if (decision.verb === "wait")
        return { verb: "wait", until: before.waiting_until, on: before.waiting_on ?? undefined };
    if (decision.verb === "merge") return { verb: "unmerge" };
    if (decision.verb === "unmerge" && before.merged_into)
        return { verb: "merge", into: before.merged_into };
    if (
        decision.verb === "transition" &&
        ["rejected", "confirmed", "resolved", "closed"].includes(decision.transition.to)
    )
        return { verb: "transition", transition: { to: "triage", reason: t("undo.reason") } };
    return null;
}

/** Did nobody decide anything between these two versions? */
const sameDecision = (a: Incident, b: Incident): boolean =>
    a.status === b.status && a.claimed_by === b.claimed_by && a.waiting_until === b.waiting_until;

function sayDone(row: Incident, decision: Decision): string {
    if (decision.verb === "transition") return t(`done.${decision.transition.to}`, { id: row.id });
    if (decision.verb === "wait" && decision.until === null) return t("done.woken", { id: row.id });
    if (decision.verb === "merge") return t("done.merge", { id: row.id, into: decision.into });
    return t(`done.${decision.verb}`, { id: row.id });
}

/** A line of the timeline: a change of status says itself, other verbs stand before what they say. */
export const sayEntry = ({ verb, text }: TimelineEntry): string =>
    text.includes(` to ${verb}`) ? text : [verb, text].filter(Boolean).join(": ");

export function sayProblem(err: unknown): string {
    if (err instanceof Problem)
        return err.detail || err.title || t("problem.status", { n: err.status });
    if (err instanceof Unreachable) return t("problem.unreachable");
    return String(err);
}

export const desk = new Desk();
