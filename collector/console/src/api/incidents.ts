// SPDX-License-Identifier: Apache-2.0
// Whole lists of incidents, for pages that reckon instead of scroll.
import { toQuery } from "../model/search.ts";
import { api } from "./client.ts";
import type { Incident } from "./types.ts";

/** Ten requests at most: beyond it a page says of how many its figures are. */
const PAGES_MAX = 10;

export interface Whole {
    rows: Incident[];
    total: number;
}

export async function readWhole(q: string): Promise<Whole> {
    const rows: Incident[] = [];
    let after: string | null = null;
    for (let i = 0; i < PAGES_MAX; i++) {
        const page = await api.incidents(toQuery(q), after);
        rows.push(...page.items);
        after = page.next;
        if (!after) return { rows, total: rows.length };
        if (i === PAGES_MAX - 1) return { rows, total: page.total };
    }
    return { rows, total: rows.length };
}
