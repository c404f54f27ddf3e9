// SPDX-License-Identifier: Apache-2.0
// The pages, in the order in which they stand on top: what each is called, which key leads there,
// and what the collector must serve to this user for it to be shown at all.
import type { Me } from "../api/types.ts";
import type { MessageKey } from "../msg/index.ts";
import { served, type PageName } from "./app.ts";
import type { Command } from "./keys.ts";

export interface PageEntry {
    page: Exclude<PageName, "incident">;
    name: MessageKey;
    command: Command;
    /** One of these collections is enough. */
    needs: readonly string[];
}

export const PAGES: readonly PageEntry[] = [
    { page: "queue", name: "nav.queue", command: "go-queue", needs: ["incidents"] },
    { page: "shift", name: "nav.shift", command: "go-shift", needs: ["incidents"] },
    { page: "campaigns", name: "nav.campaigns", command: "go-campaigns", needs: ["campaigns"] },
    {
        page: "notifications",
        name: "nav.notifications",
        command: "go-notifications",
        needs: ["notifications"],
    },
    { page: "sensors", name: "nav.sensors", command: "go-sensors", needs: ["sensors"] },
    { page: "feeds", name: "nav.feeds", command: "go-feeds", needs: ["feeds"] },
    { page: "reports", name: "nav.reports", command: "go-reports", needs: ["reports", "exports"] },
    { page: "archive", name: "nav.archive", command: "go-archive", needs: ["archive"] },
    { page: "audit", name: "nav.audit", command: "go-audit", needs: ["audit"] },
    {
        page: "admin",
        name: "nav.admin",
        command: "go-admin",
        needs: ["users", "contacts", "constituents", "suppressions", "damping"],
    },
];

export const mayOpen = (me: Me | null | undefined, page: PageName): boolean => {
    const entry = PAGES.find((known) => known.page === page);
    return !entry || entry.needs.some((resource) => served(me, resource));
};

export const openPages = (me: Me | null | undefined): PageEntry[] =>
    PAGES.filter(({ page }) => mayOpen(me, page));
