// SPDX-License-Identifier: Apache-2.0
// The analyst's desk: holds the queue of the present search, follows the live stream, and carries
// out decisions at once on the screen and then at the collector, one after another per incident.
import { Problem, Unreachable, api } from "../api/client.ts";
import type {
    BulkResult,
    Incident,
    IncidentDetail,
    IncidentEvent,
    TimelineEntry,
    Transition,
} from "../api/types.ts";
import { t } from "../msg/index.ts";
import { app, notify } from "./app.ts";
import { Queue, type Shown } from "./queue.ts";
import { ages, matcher, matches, toQuery } from "./search.ts";
import { Shelf, inOrder, type Kept } from "./shelf.ts";
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
    turn: number;
}

/** Who looks at an incident's details, and the version that they were last given. */
interface Watched {
    watchers: Set<(detail: IncidentDetail) => void>;
    version: number;
}

/** A decision on its way: what it was made on, what was known then, and its turn among all. */
interface Step {
    row: Shown;
    was: Incident;
    listed: boolean;
    decision: Decision;
    undoing: boolean;
    turn: number;
}

export class Desk extends Store<DeskState> {
    readonly queue = new Queue();
    private q = "";
    private next: string | null = null;
    private reading: AbortController | null = null;
    /** The first page is being read again, and whether that is asked for once more meanwhile. */
    private rereading: Promise<void> | null = null;
    private again = false;
    private loaded: Promise<void> = Promise.resolve();
    /** What is held is the list of `q`, not what another search left of its own. */
    private whole = false;
    private shelf = new Shelf();
    private chains = new Map<string, Promise<unknown>>();
    private undos: Undo[] = [];
    private turns = 0;
    private remembering: Promise<unknown> = Promise.resolve();
    private latest = new Map<string, Incident>();
    private changed = new Map<string, IncidentEvent>();
    private changeTimer: ReturnType<typeof setTimeout> | undefined;
    private watched = new Map<string, Watched>();

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

    /** The list of `q`: one that was read before is shown at once and read again without moving. */
    open(q: string): Promise<void> {
        if (q === this.q && this.queue.size > 0 && !this.state.failed) return this.refresh();
        this.shelve();
        const kept = this.shelf.take(q);
        return kept ? this.resume(q, kept) : this.load(q);
    }

    load(q: string): Promise<void> {
        this.loaded = this.readNew(q);
        return this.loaded;
    }

    /** A list that is left is kept for the way back, when it is the one of its search. */
    private shelve(): void {
        const { all: rows, order, unread, held } = this.queue;
        const kept = { rows, order, unread, next: this.next, settled: !held };
        if (this.whole) this.shelf.put(this.q, kept);
        this.whole = false;
    }

    private resume(q: string, { rows, order, settled, unread, next }: Kept): Promise<void> {
        this.reading?.abort();
        this.reading = new AbortController();
        this.loaded = Promise.resolve();
        this.q = q;
        this.next = next;
        const asLeft = settled && !this.queue.pending && !this.queue.overtakes(rows);
        if (asLeft && !ages(q))
            this.queue.take(rows, order, unread + order.length);
        else {
            const left = this.present(inOrder(rows.values(), q, app.state.me?.user ?? ""));
            this.queue.replace(left, unread + left.length);
        }
        this.whole = true;
        this.set({ loading: false, failed: null, above: 0 });
        this.touch();
        return this.refresh();
    }

    private async readNew(q: string): Promise<void> {
        this.shelve();
        this.q = q;
        this.next = null;
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
            this.queue.replace(this.present(page.items), page.total);
            this.whole = true;
            this.set({ loading: false, above: 0 });
            this.touch();
        } catch (err) {
            if (reading.signal.aborted) return;
            const why = sayProblem(err);
            this.set({ loading: false, failed: why });
            if (this.queue.size > 0) notify("problem", t("queue.failed", { why }));
        }
    }

    /**
     * A list that was under way while we decided or the stream told more: rows as they are known
     * now, without those that have left by it.
     */
    private present(items: Incident[]): Incident[] {
        const verdict = matcher(this.q, app.state.me?.user ?? "");
        const stays = (row: Incident, read: Incident) => {
            const overlay = this.queue.overlayOf(row.id);
            const known = row !== read || Object.keys(overlay).length > 0;
            return !known || verdict({ ...row, ...overlay }) !== false;
        };
        const rows: Incident[] = [];
        for (const read of items) {
            const seen = this.newest(read.id);
            const row = seen && seen.version > read.version ? seen : read;
            if (stays(row, read)) rows.push(row);
        }
        return rows;
    }

    /** The next page, when the view comes near the end of what is here. */
    async more(): Promise<void> {
        if (!this.next || this.state.loading || this.reading?.signal.aborted) return;
        const reading = this.reading;
        this.set({ loading: true });
        try {
            const page = await api.incidents(toQuery(this.q), this.next, reading?.signal);
            this.next = page.next;
            this.queue.append(this.present(page.items), page.total);
            this.touch();
        } catch {
            // the view asks again when it is scrolled
        } finally {
            if (reading === this.reading) this.set({ loading: false });
        }
    }

    /** After a gap in the stream: what is held is read again, what is kept is not to be trusted. */
    reset(): Promise<void> {
        this.shelf.clear();
        return this.refresh();
    }

    /** Reads again the list, and the incidents that somebody looks at. */
    async refresh(): Promise<void> {
        await this.refreshList();
        for (const id of this.watched.keys()) void this.reread(id);
    }

    /**
     * Reads the same search again without moving anything. One reading at a time, so that none
     * overtakes another; what is asked for meanwhile is read after it.
     */
    private async refreshList(): Promise<void> {
        if (!this.reading) return; // no list has been asked for yet
        if (this.state.failed) return this.load(this.q);
        this.again = this.rereading !== null;
        this.rereading ??= this.readAgain().finally(() => {
            this.rereading = null;
            if (this.again) return this.refreshList();
        });
        return this.rereading;
    }

    private async readAgain(): Promise<void> {
        await this.loaded;
        const q = this.q;
        const before = [...this.queue.all.values()];
        try {
            const page = await api.incidents(toQuery(q), null);
            if (q !== this.q) return;
            const items = this.present(page.items);
            const left = page.next === null ? before : [];
            this.touch(this.queue.merge(items, page.total, left).above);
        } catch {
            // the stream's own reconnecting brings the next chance
        }
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
        const isNew = ({ id, version }: IncidentEvent) =>
            (this.queue.base(id)?.version ?? -1) < version ||
            (this.watched.get(id)?.version ?? version) < version;
        const news = events.filter(isNew);
        if (news.length > SINGLE_READS) return this.reset();
        await Promise.all(news.map((event) => this.reread(event.id)));
    }

    /**
     * Reads one incident and puts it where it belongs: in the list, out of it, and before whoever
     * watches it. An answer that a newer one overtook is asked for again, once.
     */
    async read(id: string, again = true): Promise<IncidentDetail> {
        const detail = await api.incident(id);
        const seen = this.newest(id);
        if (again && seen && seen.version > detail.version) return this.read(id, false);
        this.receive(detail);
        const watched = this.watched.get(id);
        if (watched && watched.version <= detail.version) {
            watched.version = detail.version;
            for (const watcher of watched.watchers) watcher(detail);
        }
        return detail;
    }

    private async reread(id: string): Promise<IncidentDetail | null> {
        try {
            return await this.read(id);
        } catch (err) {
            if (err instanceof Problem && err.status === 404) {
                this.queue.leave(id);
                this.touch();
            }
            return null;
        }
    }

    private receive(row: Incident): void {
        const seen = this.newest(row.id);
        if (seen && seen.version > row.version) return;
        this.learn(row);
        const known = this.queue.base(row.id) !== undefined;
        const shown = { ...row, ...this.queue.overlayOf(row.id) };
        const verdict = matches(shown, this.q, app.state.me?.user ?? "");
        if (verdict === false) {
            this.queue.put(row);
            if (known) this.queue.leave(row.id);
            this.touch();
        } else if (known) {
            this.queue.upsert(row);
            this.touch();
        } else if (verdict === true) this.touch(this.queue.upsert(row).above);
        else void this.refreshList();
    }

    /** The newest version seen of an incident, in the list or not. */
    newest(id: string): Incident | undefined {
        const [listed, known] = [this.queue.base(id), this.latest.get(id)];
        return listed && known && known.version > listed.version ? known : (listed ?? known);
    }

    watchDetail(id: string, watcher: (detail: IncidentDetail) => void): () => void {
        const watched = this.watched.get(id) ?? { watchers: new Set(), version: -1 };
        watched.watchers.add(watcher);
        this.watched.set(id, watched);
        return () => {
            watched.watchers.delete(watcher);
            if (watched.watchers.size === 0) this.watched.delete(id);
        };
    }

    // ---- deciding ----

    /**
     * Carries out one decision: shown at once, sent when the one before it on the same incident has
     * been answered, taken back when the collector refuses. Resolves to whether it stands.
     */
    decide(row: Shown, decision: Decision, undoing = false): Promise<boolean> {
        const listed = this.queue.base(row.id) !== undefined;
        const was = this.newest(row.id) ?? row;
        const step = { row, was, listed, decision, undoing, turn: ++this.turns };
        this.show(row, decision);
        const before = this.chains.get(row.id) ?? Promise.resolve();
        const done = before.then(() => this.send(step));
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

    private async send(step: Step): Promise<boolean> {
        const { row } = step;
        const seen = this.newest(row.id);
        try {
            const based = seen && seen.version > row.version ? seen : row;
            const answer = await this.post(based, step.decision, RETRIES_ON_EVIDENCE);
            this.accept(answer);
            const others = this.remembering;
            this.remembering = this.remember(step).then(() => others);
            return true;
        } catch (err) {
            await this.explain(step, err);
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
        const row = this.newest(answer.id) ?? answer; // the stream may have been faster
        const verdict = matches(row, this.q, app.state.me?.user ?? "");
        if (verdict === false) this.queue.drop(row.id);
        else if (verdict === true || this.queue.base(row.id)) this.queue.upsert(row);
        this.touch();
        if (this.watched.has(row.id)) void this.reread(row.id);
    }

    /** Remembers an incident that may stand in no list, for the next decision on it. */
    private learn(row: Incident): void {
        const known = this.latest.get(row.id);
        if (known && known.version > row.version) return;
        this.shelf.learn(row, app.state.me?.user ?? "");
        this.latest.delete(row.id);
        this.latest.set(row.id, row);
        if (this.latest.size > LATEST_KEPT) this.latest.delete(this.latest.keys().next().value!);
    }

    private async remember({ row, decision, undoing, turn }: Step): Promise<void> {
        const back = undoing ? null : await this.wayBack(row.id, inverse(decision, row));
        if (back) {
            const undo: Undo = { id: row.id, decision: back, turn };
            // Ways back are asked for one by one, and answered in any order.
            this.undos = [...this.undos, undo].sort((a, b) => a.turn - b.turn).slice(-UNDO_DEPTH);
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

    /**
     * Takes back the last decision that can be taken back, or the one given. The last is only known
     * when all that were made before the key have been answered.
     */
    async undo(which?: Undo): Promise<void> {
        if (!which) {
            await Promise.all(this.chains.values());
            await this.remembering;
        }
        const undo = which ?? this.undos[this.undos.length - 1];
        if (!undo || !this.undos.includes(undo)) return notify("info", t("undo.nothing"));
        this.undos = this.undos.filter((other) => other !== undo);
        const row = (await this.reread(undo.id)) ?? this.queue.get(undo.id);
        if (row) await this.decide(row, undo.decision, true);
    }

    /** The decision does not stand: its row is back as it is now, or as it was before. */
    private async explain({ row, was, listed }: Step, err: unknown): Promise<void> {
        const now = await this.reread(row.id);
        const back = now ?? was;
        const verdict = matches(back, this.q, app.state.me?.user ?? "");
        if (verdict === false) this.queue.leave(row.id);
        else if (verdict || listed) this.queue.upsert(back);
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

    /**
     * One decision on all checked rows, with one reason. What it takes out of the list goes when the
     * collector has agreed; what was checked or moved meanwhile stays so.
     */
    async decideAll(
        ids: string[],
        verb: string,
        rest: { to?: string; outcome?: string; reason?: string },
    ): Promise<void> {
        const me = app.state.me?.user ?? "";
        const patch = rest.to ? { status: rest.to as Incident["status"] } : { claimed_by: me };
        for (const id of ids) this.queue.overlay(id, patch);
        this.touch();
        let refused = new Set(ids);
        try {
            const { results } = await api.bulk({ ids, verb, ...rest });
            refused = this.sayBulk(results);
        } catch (err) {
            notify("problem", t("bulk.failed", { why: sayProblem(err) }));
        }
        const leaves = matcher(this.q, me);
        for (const id of ids) {
            const row = this.queue.base(id);
            this.queue.overlay(id, null);
            if (refused.has(id)) continue;
            this.queue.checked.delete(id);
            if (row && leaves({ ...row, ...patch }) === false) this.queue.drop(id);
        }
        this.touch();
        await this.refresh();
    }

    /** Says what became of a bulk decision; returns those that it does not stand for. */
    private sayBulk(results: BulkResult[]): Set<string> {
        const refused = results.filter((result) => result.status >= 300);
        const done = results.length - refused.length;
        if (done) notify("done", t("bulk.done", { n: done }));
        for (const { id, detail, status } of refused.slice(0, 3))
            notify("problem", t("problem.refused", { id, why: detail ?? String(status) }));
        return new Set(refused.map(({ id }) => id));
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
