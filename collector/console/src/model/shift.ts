// SPDX-License-Identifier: Apache-2.0
// What a shift hands to the next, and the figures a shift is steered by, reckoned from rows alone.
import type { Incident, Rsit, Tier } from "../api/types.ts";
import { isOpen } from "./search.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const DUE_SOON_MS = 30 * MINUTE;
/** After this long without a sign of somebody, the next sign begins another shift. */
export const SHIFT_GAP_MS = 4 * HOUR;

export interface Shift {
    /** Over time, or nearly; the worst first. */
    due: Incident[];
    mine: Incident[];
    waiting: Incident[];
    opened: Incident[];
    ended: Incident[];
}

const at = (iso: string | null | undefined, otherwise: number): number =>
    iso ? Date.parse(iso) : otherwise;

export const isWaiting = (row: Incident, now: number): boolean =>
    !!row.waiting_until && Date.parse(row.waiting_until) > now;

export function shiftOf(rows: Incident[], since: number, now: number, me: string): Shift {
    const open = rows.filter((row) => isOpen(row.status));
    const waiting = open.filter((row) => isWaiting(row, now));
    const due = open.filter(
        (row) => !isWaiting(row, now) && at(row.deadline, Infinity) < now + DUE_SOON_MS,
    );
    return {
        due: due.sort((a, b) => a.tier - b.tier || at(a.deadline, 0) - at(b.deadline, 0)),
        mine: open.filter((row) => row.claimed_by === me),
        waiting: waiting.sort((a, b) => at(a.waiting_until, 0) - at(b.waiting_until, 0)),
        opened: open
            .filter((row) => at(row.opened_at, 0) >= since)
            .sort((a, b) => a.tier - b.tier || at(b.opened_at, 0) - at(a.opened_at, 0)),
        ended: rows
            .filter((row) => !isOpen(row.status) && at(row.ended_at, 0) >= since)
            .sort((a, b) => at(b.ended_at, 0) - at(a.ended_at, 0)),
    };
}

export const AGES: readonly { key: string; below: number }[] = [
    { key: "15m", below: 15 * MINUTE },
    { key: "1h", below: HOUR },
    { key: "4h", below: 4 * HOUR },
    { key: "1d", below: DAY },
    { key: "7d", below: 7 * DAY },
    { key: "more", below: Infinity },
];

/** Open incidents by how long they stand in the queue: [bucket][tier - 1]. */
export function byAge(rows: Incident[], now: number): number[][] {
    const counts = AGES.map(() => [0, 0, 0, 0]);
    for (const row of rows) {
        if (!isOpen(row.status)) continue;
        const age = now - at(row.opened_at, now);
        counts[AGES.findIndex(({ below }) => age < below)]![row.tier - 1]!++;
    }
    return counts;
}

/** The value that a share `p` of all does not exceed; NaN of nothing. */
export function percentile(values: number[], p: number): number {
    if (values.length === 0) return Number.NaN;
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))]!;
}

export interface Pace {
    tier: Tier;
    clock: "claim" | "end";
    n: number;
    p50: number;
    p90: number;
    /** What the tier's clock allows; null where it has none. */
    limit: number | null;
}

/** docs/API.md: how long until somebody claims, by tier. */
const CLAIM_MS: Record<Tier, number | null> = {
    1: 2 * MINUTE,
    2: 10 * MINUTE,
    3: 30 * MINUTE,
    4: null,
};

/** From the queue to a claim, and from a claim to the end, by tier. */
export function paces(rows: Incident[]): Pace[] {
    const out: Pace[] = [];
    for (const tier of [1, 2, 3, 4] as const) {
        const of = rows.filter((row) => row.tier === tier && row.claimed_at);
        const claim = of.map((row) => at(row.claimed_at, 0) - at(row.opened_at, 0));
        const end = of
            .filter((row) => row.ended_at)
            .map((row) => at(row.ended_at, 0) - at(row.claimed_at, 0));
        for (const [clock, all, limit] of [
            ["claim", claim, CLAIM_MS[tier]],
            ["end", end, null],
        ] as const) {
            const values = all.filter((ms) => ms >= 0);
            if (values.length)
                out.push({
                    tier,
                    clock,
                    n: values.length,
                    p50: percentile(values, 0.5),
                    p90: percentile(values, 0.9),
                    limit,
                });
        }
    }
    return out;
}

/** Open incidents by state and RSIT class. */
export function matrix(rows: Incident[]): { state: string; rsit: Rsit["class"]; n: number }[] {
    const counts = new Map<string, number>();
    for (const row of rows) {
        if (!isOpen(row.status)) continue;
        const key = `${row.state} ${row.rsit.class}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts].map(([key, n]) => {
        const [state = "", rsit = ""] = key.split(" ");
        return { state, rsit, n };
    });
}

/** Did an outcome say that the rule was right? null when it says nothing of the rule. */
export function verdict(outcome: string | null | undefined): boolean | null {
    if (outcome === "tp-impact" || outcome === "tp-no-impact") return true;
    return outcome === "false-positive" ? false : null;
}

export interface RuleScore {
    name: string;
    right: number;
    wrong: number;
    alerts: number;
}

/** What decisions said of each leading rule, the most alerts first. */
export function ruleScores(rows: Incident[]): RuleScore[] {
    const scores = new Map<string, RuleScore>();
    for (const row of rows) {
        const said = verdict(row.outcome);
        if (said === null) continue;
        const score = scores.get(row.title) ?? { name: row.title, right: 0, wrong: 0, alerts: 0 };
        if (said) score.right++;
        else score.wrong++;
        score.alerts += row.count;
        scores.set(row.title, score);
    }
    return [...scores.values()].sort((a, b) => b.alerts - a.alerts);
}

export interface Trend {
    feed: string;
    /** Share of outcomes that said the feed was right, by week; null for a week without any. */
    shares: (number | null)[];
    outcomes: number;
}

/** Each feed's precision by week, for the `weeks` that end at `now`. */
export function feedTrends(rows: Incident[], weeks: number, now: number): Trend[] {
    const from = now - weeks * 7 * DAY;
    const tally = new Map<string, { right: number; all: number }[]>();
    for (const row of rows) {
        const said = verdict(row.outcome);
        const week = Math.floor((at(row.ended_at, 0) - from) / (7 * DAY));
        if (said === null || week < 0 || week >= weeks) continue;
        for (const feed of row.feeds) {
            const sums =
                tally.get(feed) ?? Array.from({ length: weeks }, () => ({ right: 0, all: 0 }));
            sums[week]!.all++;
            if (said) sums[week]!.right++;
            tally.set(feed, sums);
        }
    }
    return [...tally]
        .map(([feed, sums]) => ({
            feed,
            shares: sums.map(({ right, all }) => (all ? right / all : null)),
            outcomes: sums.reduce((sum, { all }) => sum + all, 0),
        }))
        .sort((a, b) => b.outcomes - a.outcomes);
}
