// SPDX-License-Identifier: Apache-2.0
// What the whole page shares: who is signed in, where we are, whether the link is live, and what
// there is to say.
import type { Me, State, Stats } from "../api/types.ts";
import { Store } from "./store.ts";

/** Pages that are read when they are first opened; `part` is what stands after the name. */
export const MORE_PAGES = [
    "shift",
    "campaigns",
    "notifications",
    "sensors",
    "feeds",
    "reports",
    "archive",
    "audit",
    "admin",
] as const;
export type MorePage = (typeof MORE_PAGES)[number];
export type PageName = "queue" | "incident" | MorePage;

export type Route =
    | { page: "queue"; q: string }
    | { page: "incident"; id: string }
    | { page: MorePage; part?: string };

export type Theme = "auto" | "light" | "dark";

export interface Notice {
    id: number;
    kind: "done" | "problem" | "info";
    text: string;
    undo?: () => void;
}

export interface App {
    /** undefined: not asked yet; null: nobody. */
    me: Me | null | undefined;
    /** The session ended while somebody was at work: the page stays, a sign-in stands over it. */
    expired: boolean;
    route: Route;
    states: State[];
    stats: Stats | null;
    /** Since when the live stream is down, null when it is up. */
    blindSince: number | null;
    now: number;
    theme: Theme;
    shortcuts: boolean;
    notices: Notice[];
    help: boolean;
    sensorsChanged: number;
    /** Active alarms, as far as the collector tells of them. */
    alarms: number;
    /** How far folding was behind, each time the numbers were read; the newest last. */
    lags: { at: number; ms: number }[];
}

const NOTICE_MS = { done: 8_000, info: 8_000, problem: 20_000 };
const NOTICES_SHOWN = 4;

/** A link that was cut in the middle of an escape is still a link. */
function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

export function readRoute(hash: string): Route {
    const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
    const [page, id] = path.split("/");
    if (page === "incident" && id) return { page, id: decoded(id) };
    const more = MORE_PAGES.find((name) => name === page);
    if (more) return id ? { page: more, part: decoded(id) } : { page: more };
    return { page: "queue", q: new URLSearchParams(query).get("q") ?? "" };
}

export function hashOf(route: Route): string {
    if (route.page === "incident") return `#/incident/${encodeURIComponent(route.id)}`;
    if (route.page !== "queue")
        return `#/${route.page}${route.part ? `/${encodeURIComponent(route.part)}` : ""}`;
    return route.q ? `#/queue?${new URLSearchParams({ q: route.q })}` : "#/queue";
}

/**
 * A preference of this browser; private windows and full disks may refuse it, then it lasts as long
 * as the page.
 */
export function preference(key: string, value?: string): string | null {
    try {
        if (value !== undefined) localStorage.setItem(`abeng.${key}`, value);
        return localStorage.getItem(`abeng.${key}`);
    } catch {
        return null;
    }
}

const theme = preference("theme");

export const app = new Store<App>({
    me: undefined,
    expired: false,
    route: readRoute(typeof location === "undefined" ? "" : location.hash),
    states: [],
    stats: null,
    blindSince: null,
    now: Date.now(),
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    shortcuts: preference("shortcuts") !== "off",
    notices: [],
    help: false,
    sensorsChanged: 0,
    alarms: 0,
    lags: [],
});

export function go(route: Route, replace = false): void {
    const hash = hashOf(route);
    if (replace) history.replaceState(null, "", hash);
    else if (location.hash !== hash) history.pushState(null, "", hash);
    app.set({ route });
}

export function setTheme(value: Theme): void {
    preference("theme", value);
    app.set({ theme: value });
    document.documentElement.dataset.theme = value;
}

export function setShortcuts(on: boolean): void {
    preference("shortcuts", on ? "on" : "off");
    app.set({ shortcuts: on });
}

let lastNotice = 0;

export function notify(kind: Notice["kind"], text: string, undo?: () => void): void {
    const notice: Notice = { id: ++lastNotice, kind, text, undo };
    app.set({ notices: [...app.state.notices, notice].slice(-NOTICES_SHOWN) });
    setTimeout(() => dismissNotice(notice.id), NOTICE_MS[kind]);
}

export function dismissNotice(id: number): void {
    app.set({ notices: app.state.notices.filter((notice) => notice.id !== id) });
}

export const stateName = (code: string): string =>
    app.state.states.find((state) => state.code === code)?.name ?? code.toUpperCase();

/**
 * May this user decide on incidents at all? The server has the last word; this only keeps dead
 * buttons away.
 */
export const mayDecide = (me: Me | null | undefined): boolean =>
    !!me && ["regional", "national", "admin"].includes(me.role);
/** Does the collector serve this collection to this user? */
export const served = (me: Me | null | undefined, resource: string): boolean =>
    !!me?.resources?.includes(resource);
export const mayNote = (me: Me | null | undefined): boolean =>
    mayDecide(me) || me?.role === "contact";
