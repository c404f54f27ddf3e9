// SPDX-License-Identifier: Apache-2.0
// Views of the queue: searches with a name. Some come with the page, others are the user's own and
// stay in this browser; a link carries the search itself, so that it works for everybody.
import type { MessageKey } from "../msg/index.ts";
import { hashOf, preference } from "./app.ts";

export interface View {
    name: string;
    q: string;
}

export const BUILT_IN: readonly { name: MessageKey; q: string }[] = [
    { name: "view.open", q: "" },
    { name: "view.mine", q: "is:mine" },
    { name: "view.unclaimed", q: "is:unclaimed tier:1,2" },
    { name: "view.waiting", q: "is:waiting" },
    { name: "view.old", q: "age:>1d" },
    { name: "view.ended", q: "is:any -is:open age:<1d" },
];

export const VIEWS_MAX = 40;
const NAME_MAX = 60;
const QUERY_MAX = 500;

const keyOf = (user: string) => `views.${user}`;

/** What the browser kept may be anything: only what has the shape of a view is one. */
export function readViews(text: string | null): View[] {
    let found: unknown;
    try {
        found = JSON.parse(text ?? "[]");
    } catch {
        return [];
    }
    if (!Array.isArray(found)) return [];
    return found
        .filter(
            (view): view is View =>
                typeof view === "object" &&
                view !== null &&
                typeof (view as View).name === "string" &&
                typeof (view as View).q === "string",
        )
        .map(({ name, q }) => ({ name: name.slice(0, NAME_MAX), q: q.slice(0, QUERY_MAX) }))
        .slice(0, VIEWS_MAX);
}

/** The list with one more; a name that is there already gets the new search. */
export function withView(views: View[], view: View): View[] {
    const name = view.name.trim().slice(0, NAME_MAX);
    if (!name) return views;
    return [...views.filter((one) => one.name !== name), { name, q: view.q.slice(0, QUERY_MAX) }]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, VIEWS_MAX);
}

export const savedViews = (user: string): View[] => readViews(preference(keyOf(user)));

export const keepViews = (user: string, views: View[]): void =>
    void preference(keyOf(user), JSON.stringify(views));

export const linkTo = (q: string): string =>
    `${location.origin}${location.pathname}${hashOf({ page: "queue", q })}`;
