// SPDX-License-Identifier: Apache-2.0
// The queue as the analyst sees it. Rows change in place; a row that moved or left is held where it
// is until the analyst settles the list (goes to its top, changes the search), so that nothing ever
// slides under the cursor by itself.
import type { Incident } from "../api/types.ts";

export type Shown = Incident & {
    /** A decision of ours is under way and shown already. */
    pending?: boolean;
    /** No longer part of the list (decided, closed, moved away), held until it settles. */
    gone?: boolean;
    /** Came in while the list was on the screen. */
    fresh?: boolean;
};

interface Times {
    deadline: number;
    opened: number;
}

/** Dates are read once a row: a long list is compared with each row often. */
const TIMES = new WeakMap<Incident, Times>();

const time = (iso: string | null): number => (iso ? Date.parse(iso) : Number.POSITIVE_INFINITY);

function timesOf(row: Incident): Times {
    let known = TIMES.get(row);
    if (!known) {
        known = { deadline: time(row.deadline), opened: time(row.opened_at) };
        TIMES.set(row, known);
    }
    return known;
}

/** Tier, then deadline (none comes last), then age: the order the collector keeps. */
export function compare(a: Incident, b: Incident): number {
    if (a.tier !== b.tier) return a.tier - b.tier;
    const [one, other] = [timesOf(a), timesOf(b)];
    const due = one.deadline - other.deadline;
    return (
        (Number.isNaN(due) ? 0 : due) ||
        one.opened - other.opened ||
        (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
    );
}

/** Of one version, and what is reckoned without a new one is the same too. */
const unchanged = (a: Incident | undefined, b: Incident): boolean =>
    a === b ||
    (a?.version === b.version && a.count === b.count && String(a.spark) === String(b.spark));

const NO_OVERLAY: Partial<Incident> = Object.freeze({});

export interface Change {
    /** Rows put in before the cursor, so that the view can move along with them. */
    above: number;
}

interface Drawn {
    row: Incident;
    overlay: Partial<Incident> | undefined;
    shown: Shown;
}

export class Queue {
    private rows = new Map<string, Incident>();
    private overlays = new Map<string, Partial<Incident>>();
    private gone = new Set<string>();
    private fresh = new Set<string>();
    private drawn = new Map<string, Drawn>();
    private moved = false;
    private lastFound = 0;
    order: string[] = [];
    checked = new Set<string>();
    cursor: string | null = null;
    /** How many the server says there are, of which we may hold only the first. */
    total = 0;

    get size(): number {
        return this.order.length;
    }

    /** Is there something to settle? */
    get held(): boolean {
        return this.gone.size > 0 || this.moved;
    }

    /** Is a decision of ours under way? */
    get pending(): boolean {
        return this.overlays.size > 0;
    }

    /** Is a row here of a newer version than the one among `rows`? */
    overtakes(rows: Map<string, Incident>): boolean {
        const few = this.rows.size < rows.size ? this.rows : rows;
        for (const id of few.keys()) {
            const [here, there] = [this.rows.get(id), rows.get(id)];
            if (here && there && here.version > there.version) return true;
        }
        return false;
    }

    base(id: string): Incident | undefined {
        return this.rows.get(id);
    }

    at(index: number): Shown | undefined {
        const id = this.order[index];
        return id === undefined ? undefined : this.get(id);
    }

    /**
     * The row as it is shown: the same object as long as nothing about it changes, so that it need
     * not be drawn again.
     */
    get(id: string): Shown | undefined {
        const row = this.rows.get(id);
        if (!row) return undefined;
        const overlay = this.overlays.get(id);
        const gone = this.gone.has(id);
        const fresh = this.fresh.has(id);
        const known = this.drawn.get(id);
        if (
            known?.row === row &&
            known.overlay === overlay &&
            known.shown.gone === gone &&
            known.shown.fresh === fresh
        )
            return known.shown;
        const shown: Shown = { ...row, ...overlay, pending: overlay !== undefined, gone, fresh };
        this.drawn.set(id, { row, overlay, shown });
        return shown;
    }

    indexOf(id: string | null): number {
        if (id === null) return -1;
        // It is mostly the cursor that is asked for, again and again, and the list may be long.
        if (this.order[this.lastFound] !== id) {
            const index = this.order.indexOf(id);
            if (index < 0) return -1;
            this.lastFound = index;
        }
        return this.lastFound;
    }

    /** A new list: another search, or the first load. */
    replace(items: Incident[], total: number): void {
        const rows = new Map<string, Incident>();
        for (const row of items) {
            const known = this.rows.get(row.id);
            rows.set(row.id, unchanged(known, row) ? known! : row);
        }
        this.take(rows, [...rows.keys()], total);
    }

    /** A list that stands already, which becomes this queue's own. */
    take(rows: Map<string, Incident>, order: string[], total: number): void {
        const index = Math.max(0, this.indexOf(this.cursor));
        this.rows = rows;
        this.order = order;
        for (const id of this.drawn.keys()) if (!rows.has(id)) this.drawn.delete(id);
        this.gone.clear();
        this.fresh.clear();
        this.moved = false;
        this.total = total;
        this.checked = new Set([...this.checked].filter((id) => this.rows.has(id)));
        if (this.indexOf(this.cursor) < 0)
            this.cursor = this.order[Math.min(index, this.order.length - 1)] ?? null;
    }

    /** Leaves only what passes `test`, as the list of a narrower search until that has been read. */
    narrow(test: (row: Incident) => boolean): void {
        const left = this.order.map((id) => this.rows.get(id)!).filter(test);
        if (left.length > 0 && left.length < this.order.length) this.replace(left, left.length);
    }

    /** The next page of the same list. */
    append(items: Incident[], total: number): void {
        this.total = total;
        for (const row of items) {
            if (!this.rows.has(row.id)) this.order.push(row.id);
            this.keep(row);
        }
    }

    /** The rows that are held now; `replace` leaves them to whoever keeps them. */
    get all(): Map<string, Incident> {
        return this.rows;
    }

    /** How many rows the list has beyond those that are held. */
    get unread(): number {
        return this.total - (this.size - this.gone.size);
    }

    /**
     * The same list read again after a gap in the stream: merged, so that the page stays still. What
     * was here `before` it was asked for, has not changed since and is not in it has left.
     */
    merge(items: Incident[], total: number, before: Incident[]): Change {
        const seen = new Set(items.map((row) => row.id));
        let above = 0;
        for (const row of items) above += this.upsert(row).above;
        for (const row of before)
            if (!seen.has(row.id) && this.rows.get(row.id) === row) this.leave(row.id);
        this.total = total;
        return { above };
    }

    /** A row of this list as the server has it now; an older version than ours is ignored. */
    upsert(row: Incident): Change {
        const known = this.rows.get(row.id);
        if (known && known.version > row.version) return { above: 0 };
        if (known) {
            this.put(row);
            this.gone.delete(row.id);
            return { above: 0 };
        }
        const index = this.place(row);
        const above = index <= this.indexOf(this.cursor) ? 1 : 0;
        this.keep(row);
        this.order.splice(index, 0, row.id);
        this.fresh.add(row.id);
        this.total++;
        if (this.cursor === null) this.cursor = row.id;
        return { above };
    }

    /** New facts about a row that we hold, whether or not it still belongs here. */
    put(row: Incident): void {
        if (this.rows.has(row.id)) this.keep(row);
    }

    private keep(row: Incident): void {
        const known = this.rows.get(row.id);
        if (known && (known.version > row.version || unchanged(known, row))) return;
        this.rows.set(row.id, row);
        if (known && compare(known, row) !== 0) this.moved ||= this.misplaced(row);
    }

    /** The row belongs to the list no longer; it stays in place until the list settles. */
    leave(id: string): void {
        if (!this.rows.has(id) || this.gone.has(id)) return;
        this.gone.add(id);
        this.checked.delete(id);
        this.total = Math.max(0, this.total - 1);
    }

    /**
     * Our own decision took the row away: it goes at once and the cursor stands on the one that
     * follows.
     */
    drop(id: string): void {
        const index = this.indexOf(id);
        if (index < 0) return;
        this.leave(id); // counts, unless it was counted when it left
        this.order.splice(index, 1);
        this.rows.delete(id);
        this.drawn.delete(id);
        this.gone.delete(id);
        this.fresh.delete(id);
        if (this.cursor === id) this.cursor = this.order[Math.min(index, this.size - 1)] ?? null;
    }

    overlay(id: string, patch: Partial<Incident> | null): void {
        if (patch) this.overlays.set(id, { ...this.overlays.get(id), ...patch });
        else this.overlays.delete(id);
    }

    /** What our decisions under way make of an incident, whether it stands in the list or not. */
    overlayOf(id: string): Partial<Incident> {
        return this.overlays.get(id) ?? NO_OVERLAY;
    }

    /** Puts held rows where they belong. */
    settle(): void {
        this.fresh.clear();
        if (!this.held) return;
        const index = Math.max(0, this.indexOf(this.cursor));
        for (const id of this.gone) {
            this.rows.delete(id);
            this.drawn.delete(id);
        }
        this.order = this.order.filter((id) => this.rows.has(id));
        this.gone.clear();
        this.moved = false;
        this.order.sort((a, b) => compare(this.rows.get(a)!, this.rows.get(b)!));
        if (this.indexOf(this.cursor) < 0)
            this.cursor = this.order[Math.min(index, this.size - 1)] ?? null;
    }

    /** Moves the cursor by `step` rows, passing over those that have left. */
    move(step: number): void {
        const way = Math.sign(step);
        let index = Math.min(this.size - 1, Math.max(0, this.indexOf(this.cursor) + step));
        let id = this.order[index];
        while (
            id !== undefined &&
            this.gone.has(id) &&
            index + way >= 0 &&
            index + way < this.size
        ) {
            index += way;
            id = this.order[index];
        }
        if (id !== undefined) this.cursor = id;
        if (this.cursor) this.fresh.delete(this.cursor);
    }

    check(id: string, on = !this.checked.has(id)): void {
        if (this.gone.has(id)) return;
        if (on) this.checked.add(id);
        else this.checked.delete(id);
    }

    checkAll(test: (row: Incident) => boolean): void {
        for (const id of this.order)
            if (!this.gone.has(id) && test(this.rows.get(id)!)) this.checked.add(id);
    }

    private misplaced(row: Incident): boolean {
        const index = this.indexOf(row.id);
        const before = this.rows.get(this.order[index - 1] ?? "");
        const after = this.rows.get(this.order[index + 1] ?? "");
        return (!!before && compare(before, row) > 0) || (!!after && compare(row, after) > 0);
    }

    /** How many of the rows before `index` came in while the list was on the screen. */
    freshBefore(index: number): number {
        let found = 0;
        if (this.fresh.size > 0)
            for (let i = 0; i < index && i < this.size; i++)
                if (this.fresh.has(this.order[i]!)) found++;
        return found;
    }

    /** Where a newcomer goes: before the first row that orders after it; held rows don't count. */
    private place(row: Incident): number {
        for (let i = 0; i < this.order.length; i++) {
            const id = this.order[i]!;
            if (!this.gone.has(id) && compare(row, this.rows.get(id)!) < 0) return i;
        }
        return this.order.length;
    }
}
