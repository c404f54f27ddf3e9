// SPDX-License-Identifier: Apache-2.0
// The search words of the queue: read into a query, written back, and judged against a row for live
// updates.
import type { Incident, ListQuery, Status } from "../api/types.ts";

export interface Word {
    key: string | null;
    value: string;
    /** A dash before the word: rows for which it does not hold. */
    not?: true;
}

const KEYS = new Set(["is", "state", "tier", "sid", "ip", "host", "rule", "sensor", "age"]);
const OPEN: readonly Status[] = ["new", "triage", "confirmed", "handling"];
export const isOpen = (status: Status): boolean => OPEN.includes(status);
const STATUSES = new Set<string>([...OPEN, "resolved", "closed", "rejected", "merged"]);

/** `state:jm -"two words" rule:"et scan"` → words; quotes keep spaces together. */
export function parse(text: string): Word[] {
    const words: Word[] = [];
    for (const match of text.matchAll(/(-(?=\S))?(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
        const not = match[1] ? { not: true as const } : {};
        const key = match[2]?.toLowerCase() ?? null;
        const value = match[3] ?? match[4] ?? "";
        if (key && KEYS.has(key)) words.push({ key, value, ...not });
        else words.push({ key: null, value: key ? `${key}:${value}` : value, ...not });
    }
    return words.filter((word) => word.value !== "");
}

export function write(words: Word[]): string {
    return words
        .map(({ key, value, not }) => {
            const shown = /\s/.test(value) ? `"${value}"` : value;
            return (not ? "-" : "") + (key ? `${key}:${shown}` : shown);
        })
        .join(" ");
}

const listed = (word: Word): string[] => word.value.toLowerCase().split(",").filter(Boolean);

export function toQuery(text: string): ListQuery {
    const lists = { tier: [] as string[], state: [] as string[], status: [] as string[] };
    const rest: Word[] = [];
    for (const word of parse(text)) {
        if (word.not || !word.key || !["tier", "state", "is"].includes(word.key)) rest.push(word);
        else if (word.key !== "is") lists[word.key as "tier" | "state"].push(...listed(word));
        else
            for (const value of listed(word))
                if (STATUSES.has(value)) lists.status.push(value);
                else rest.push({ key: "is", value });
    }
    return {
        q: write(rest),
        tier: lists.tier.join(","),
        state: lists.state.join(","),
        status: lists.status.join(","),
    };
}

/** The values of one key, commas split: `tier:1,2` → ["1", "2"]. */
export const values = (text: string, key: string): string[] =>
    parse(text)
        .filter((word) => word.key === key && !word.not)
        .flatMap(listed);

/** The query with the words of `key` replaced by `value` (none when null). */
export function replace(text: string, key: string, value: string | null): string {
    const rest = parse(text).filter((word) => word.key !== key || word.not);
    return write(value ? [{ key, value }, ...rest] : rest);
}

/** Adds `value` to the key's list, or takes it away when it is there. */
export function toggle(text: string, key: string, value: string): string {
    const now = values(text, key);
    const next = now.includes(value) ? now.filter((v) => v !== value) : [...now, value].sort();
    return replace(text, key, next.length ? next.join(",") : null);
}

const holds = (haystack: string | null | undefined, needle: string): boolean =>
    !!haystack && haystack.toLowerCase().includes(needle);

function holdsIs(row: Incident, value: string, user: string): boolean | null {
    if (value === "mine") return row.claimed_by === user;
    if (value === "unclaimed") return row.claimed_by === null;
    if (value === "waiting") return row.waiting_until !== null;
    if (value === "open") return isOpen(row.status);
    if (value === "any") return true;
    return STATUSES.has(value) ? row.status === value : null;
}

const UNITS: Record<string, number> = { m: 60_000, h: 3600_000, d: 86_400_000 };

/** `age:>2h` and `age:2h`: two hours or longer in the queue; `age:<30m`: less. */
function holdsAge(row: Incident, value: string, now: number): boolean | null {
    const [, sign, number, unit = ""] = /^([<>]?)(\d+)([mhd])$/.exec(value) ?? [];
    if (!number) return null;
    const younger = now - Date.parse(row.opened_at) < Number(number) * UNITS[unit]!;
    return younger === (sign === "<");
}

/**
 * Does one word hold? null when a signal that the row does not show may still carry it: only the
 * collector can say no.
 */
function holdsWord(row: Incident, word: Word, user: string): boolean | null {
    const any = listed(word);
    const unlessHidden = (found: boolean) => (found ? true : null);
    switch (word.key) {
        case "is":
            return holdsIs(row, word.value.toLowerCase(), user);
        case "state":
            return any.includes(row.state);
        case "tier":
            return any.includes(String(row.tier));
        case "sensor":
            return row.sensors.some((name) => any.includes(name.toLowerCase()));
        case "ip":
        case "host":
            return unlessHidden(any.some((v) => holds(row.victim, v) || holds(row.peer, v)));
        case "rule":
            return unlessHidden(holds(row.title, word.value.toLowerCase()));
        case "age":
            return holdsAge(row, word.value.toLowerCase(), Date.now());
        case "sid":
            return null;
        default:
            return unlessHidden(
                [row.title, row.victim, row.peer, row.id].some((f) =>
                    holds(f, word.value.toLowerCase()),
                ),
            );
    }
}

/** Rows of this search come and go by the clock alone. */
export const ages = (text: string): boolean => parse(text).some(({ key }) => key === "age");

export type Verdict = boolean | null;

/** Reads the search once: does a row belong to its list? null when only the collector can tell. */
export function matcher(text: string, user: string): (row: Incident) => Verdict {
    const { status, q } = toQuery(text);
    const statuses = status ? status.split(",") : null;
    const rest = parse(q);
    const any = rest.some((word) => word.key === "is" && word.value.toLowerCase() === "any");
    const narrowing = parse(text).filter((w) => !w.not && (w.key === "tier" || w.key === "state"));
    const words = [...rest, ...narrowing];
    return (row) => {
        if (statuses ? !statuses.includes(row.status) : !any && !OPEN.includes(row.status))
            return false;
        let verdict: Verdict = true;
        for (const word of words) {
            const found = holdsWord(row, word, user);
            const wanted = found === null ? null : found !== (word.not ?? false);
            if (wanted === false) return false;
            if (wanted === null) verdict = null;
        }
        return verdict;
    };
}

export const matches = (row: Incident, text: string, user: string): Verdict =>
    matcher(text, user)(row);
