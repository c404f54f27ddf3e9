// SPDX-License-Identifier: Apache-2.0
// The keyboard: one table of commands, and a reader that turns key presses (also two in a row) into
// them.

import type { PageName } from "./app.ts";

export type Where = "all" | "queue" | "incident" | "either";

// prettier-ignore
export type Command =
    | "help" | "search" | `go-${Exclude<PageName, "incident">}` | "escape"
    | "next" | "previous" | "page-down" | "page-up" | "top" | "bottom"
    | "open" | "open-page" | "pane" | "check" | "check-all" | "check-none" | "check-same"
    | "claim" | "release" | "confirm" | "dismiss" | "resolve" | "close" | "wait" | "note"
    | "menu" | "undo"
    | "views" | "notice" | "merge" | "unmerge" | "suppress"
    | "tier-1" | "tier-2" | "tier-3" | "tier-4" | "tier-all" | "state"
    | "incident-next" | "incident-previous";

export interface Binding {
    keys: string[];
    command: Command;
    where: Where;
}

/** `g i` is g, then i; the first key of a row is the one that the help shows. */
export const BINDINGS: readonly Binding[] = [
    { keys: ["j", "ArrowDown"], command: "next", where: "queue" },
    { keys: ["k", "ArrowUp"], command: "previous", where: "queue" },
    { keys: ["PageDown"], command: "page-down", where: "queue" },
    { keys: ["PageUp"], command: "page-up", where: "queue" },
    { keys: ["g g", "Home"], command: "top", where: "queue" },
    { keys: ["G", "End"], command: "bottom", where: "queue" },
    { keys: ["Enter"], command: "open", where: "queue" },
    { keys: ["o"], command: "open-page", where: "queue" },
    { keys: ["v"], command: "pane", where: "queue" },
    { keys: ["x"], command: "check", where: "queue" },
    { keys: ["* a"], command: "check-all", where: "queue" },
    { keys: ["* 1"], command: "check-same", where: "queue" },
    { keys: ["* n"], command: "check-none", where: "queue" },
    { keys: ["1"], command: "tier-1", where: "queue" },
    { keys: ["2"], command: "tier-2", where: "queue" },
    { keys: ["3"], command: "tier-3", where: "queue" },
    { keys: ["4"], command: "tier-4", where: "queue" },
    { keys: ["0"], command: "tier-all", where: "queue" },
    { keys: ["f"], command: "state", where: "queue" },
    { keys: ["b"], command: "views", where: "queue" },
    { keys: ["n"], command: "notice", where: "either" },
    { keys: ["m"], command: "merge", where: "either" },
    { keys: ["u"], command: "unmerge", where: "either" },
    { keys: ["t"], command: "suppress", where: "either" },
    { keys: ["a"], command: "claim", where: "either" },
    { keys: ["A"], command: "release", where: "either" },
    { keys: ["c", "s"], command: "confirm", where: "either" },
    { keys: ["d"], command: "dismiss", where: "either" },
    { keys: ["r"], command: "resolve", where: "either" },
    { keys: ["e"], command: "close", where: "either" },
    { keys: ["w"], command: "wait", where: "either" },
    { keys: ["l"], command: "note", where: "either" },
    { keys: ["."], command: "menu", where: "either" },
    { keys: ["z"], command: "undo", where: "all" },
    { keys: ["]"], command: "incident-next", where: "either" },
    { keys: ["["], command: "incident-previous", where: "either" },
    { keys: ["/"], command: "search", where: "all" },
    { keys: ["g i"], command: "go-queue", where: "all" },
    { keys: ["g h"], command: "go-shift", where: "all" },
    { keys: ["g c"], command: "go-campaigns", where: "all" },
    { keys: ["g n"], command: "go-notifications", where: "all" },
    { keys: ["g s"], command: "go-sensors", where: "all" },
    { keys: ["g f"], command: "go-feeds", where: "all" },
    { keys: ["g r"], command: "go-reports", where: "all" },
    { keys: ["g a"], command: "go-archive", where: "all" },
    { keys: ["g l"], command: "go-audit", where: "all" },
    { keys: ["g m"], command: "go-admin", where: "all" },
    { keys: ["?"], command: "help", where: "all" },
    { keys: ["Escape"], command: "escape", where: "all" },
];

const SEQUENCE_MS = 1500;

function applies(where: Where, page: string): boolean {
    if (where === "all") return true;
    return where === "either" ? page === "queue" || page === "incident" : where === page;
}

export class KeyReader {
    private first: string | null = null;
    private firstAt = 0;

    /** Feeds one key; returns the command it completes on `page`, if any. */
    feed(key: string, page: string, now: number): Command | null {
        const pending = this.first !== null && now - this.firstAt < SEQUENCE_MS ? this.first : null;
        this.first = null;
        const typed = pending ? `${pending} ${key}` : key;
        let starts = false;
        for (const binding of BINDINGS) {
            if (!applies(binding.where, page)) continue;
            if (binding.keys.includes(typed)) return binding.command;
            if (!pending && binding.keys.some((keys) => keys.startsWith(`${key} `))) starts = true;
        }
        if (starts) {
            this.first = key;
            this.firstAt = now;
        }
        return null;
    }
}

export const keyOf = (command: Command): string =>
    BINDINGS.find((binding) => binding.command === command)?.keys[0] ?? "";
