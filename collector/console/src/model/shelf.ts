// SPDX-License-Identifier: Apache-2.0
// Lists of the last few searches, so that the way back to one shows at once what was read before.
// What the stream tells meanwhile is kept with them.
import type { Incident } from "../api/types.ts";
import { compare } from "./queue.ts";
import { matcher, matches } from "./search.ts";

export interface Kept {
    rows: Map<string, Incident>;
    order: string[];
    /** All rows belong to the list and `order` is theirs: nothing has been learnt since. */
    settled: boolean;
    /** How many the list has beyond these. */
    unread: number;
    /** From where more of the list is read. */
    next: string | null;
}

const LISTS = 8;
const ROWS = 30_000;

export class Shelf {
    /** By search, the one that was left last at the end. */
    private lists = new Map<string, Kept>();

    /** Keeps what was read of a search; the oldest make room, a list longer than the shelf has none. */
    put(q: string, kept: Kept): void {
        this.lists.delete(q);
        this.lists.set(q, kept);
        const rows = () => [...this.lists.values()].reduce((sum, list) => sum + list.rows.size, 0);
        while (this.lists.size > LISTS || rows() > ROWS)
            this.lists.delete(this.lists.keys().next().value!);
    }

    /** Takes the list of a search from the shelf. */
    take(q: string): Kept | undefined {
        const kept = this.lists.get(q);
        this.lists.delete(q);
        return kept;
    }

    /** An incident as it is now: changed in the lists that it is in, added to those it came into. */
    learn(row: Incident, user: string): void {
        for (const [q, kept] of this.lists) {
            const known = kept.rows.get(row.id);
            if (known && known.version > row.version) continue;
            if (!known && matches(row, q, user) !== true) continue;
            kept.rows.set(row.id, row);
            kept.settled = false;
        }
    }

    /** After a gap in the stream what is kept may be wrong anywhere. */
    clear(): void {
        this.lists.clear();
    }
}

/** What of a kept list belongs to its search by now, in its order. */
export function inOrder(rows: Iterable<Incident>, q: string, user: string): Incident[] {
    const verdict = matcher(q, user);
    return [...rows].filter((row) => verdict(row) !== false).sort(compare);
}
