// SPDX-License-Identifier: Apache-2.0
// The queue page: search and filters, the list, and the chosen incident beside it where there is
// room.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Incident, Tier } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { t } from "../msg/index.ts";
import { app, go, mayDecide, preference } from "../model/app.ts";
import { useCommands } from "../model/commands.ts";
import { desk } from "../model/desk.ts";
import type { Command } from "../model/keys.ts";
import { replace, toggle, values } from "../model/search.ts";
import { useStore } from "../model/store.ts";
import { TierChip } from "./bits.tsx";
import { act, askFor } from "./decisions.tsx";
import { IncidentView } from "./incident.tsx";
import { QueueList, type ListHandle } from "./queuelist.tsx";

const SEARCH_PAUSE_MS = 250;
const TIERS: readonly Tier[] = [1, 2, 3, 4];
const WIDE = "(min-width: 70rem)";

/** `away`: another page is on the screen, and this one waits as it was. */
export function QueuePage({ q, away }: { q: string; away: boolean }) {
    useStore(desk, (s) => s.revision);
    const list = useRef<ListHandle>(null);
    const search = useRef<HTMLInputElement>(null);
    const pane = useRef<HTMLElement>(null);
    const root = useAway(away);
    const [paneOpen, setPaneOpen] = useState(preference("pane") !== "off");
    const queue = desk.queue;

    useLayoutEffect(() => {
        if (away) return;
        void desk.open(q);
        list.current?.reveal();
        if (document.activeElement !== search.current) list.current?.focus(); // still being typed
    }, [q, away]);

    const showPane = (on: boolean) => {
        preference("pane", on ? "on" : "off");
        setPaneOpen(on);
    };
    const move = (step: number) => {
        queue.move(step);
        desk.touch();
        list.current?.reveal();
    };
    const settle = () => {
        queue.settle();
        desk.touch();
    };
    const open = () => {
        if (!queue.cursor) return;
        if (!matchMedia(WIDE).matches) return go({ page: "incident", id: queue.cursor });
        if (paneOpen) pane.current?.focus();
        showPane(true);
    };
    const decide = (command: Command): boolean => {
        const ids = [...queue.checked];
        const many = ids.length > 0 && mayDecide(app.state.me);
        if (command === "dismiss" && many) askFor("reject", null, ids);
        else if (command === "claim" && many) void desk.decideAll(ids, "claim", {});
        else {
            const row = queue.cursor ? queue.get(queue.cursor) : undefined;
            return !!row && act(command, row);
        }
        return true;
    };
    const filter = (key: string, value: string) => go({ page: "queue", q: toggle(q, key, value) });

    const actions: Partial<Record<Command, () => void>> = {
        next: () => move(1),
        previous: () => move(-1),
        "incident-next": () => move(1),
        "incident-previous": () => move(-1),
        "page-down": () => move(list.current?.pageRows() ?? 10),
        "page-up": () => move(-(list.current?.pageRows() ?? 10)),
        top: () => {
            settle();
            move(-queue.size);
            list.current?.toTop();
        },
        bottom: () => move(queue.size),
        open,
        "open-page": () => queue.cursor && go({ page: "incident", id: queue.cursor }),
        pane: () => showPane(!paneOpen),
        check: () => {
            if (queue.cursor) queue.check(queue.cursor);
            move(1);
        },
        "check-all": () => checkAll(() => true),
        "check-none": () => {
            queue.checked.clear();
            desk.touch();
        },
        "check-same": () => {
            const here = queue.cursor ? queue.base(queue.cursor) : undefined;
            if (here) checkAll((row) => row.title === here.title && row.state === here.state);
        },
        search: () => search.current?.select(),
        state: () => askFor("state", null),
        views: () => askFor("views", null),
        "tier-all": () => go({ page: "queue", q: replace(q, "tier", null) }),
        escape: () => {
            if (pane.current?.contains(document.activeElement)) list.current?.focus();
            else if (queue.checked.size) actions["check-none"]!();
            else if (paneOpen) showPane(false);
        },
    };
    for (const tier of TIERS) actions[`tier-${tier}`] = () => filter("tier", String(tier));
    useCommands((command) => {
        if (away) return false;
        const action = actions[command];
        if (action) action();
        return !!action || decide(command);
    });

    return (
        <div
            ref={root}
            id={away ? "queue-away" : "content"}
            role={away ? "none" : "main"}
            aria-hidden={away}
            class={away ? "queue-page away" : "queue-page"}
        >
            <h1 class="sr">{t("queue.title")}</h1>
            <QueueBar
                q={q}
                away={away}
                search={search}
                onFilter={filter}
                paneOpen={paneOpen}
                onPane={showPane}
                onSettle={() => actions.top!()}
                onLeave={() => list.current?.focus()}
            />
            <div class="split">
                <QueueList
                    handle={list}
                    q={q}
                    beside={paneOpen}
                    away={away}
                    onOpen={open}
                    onSettle={() => actions.top!()}
                />
                {paneOpen && (
                    <section
                        class="pane"
                        ref={pane}
                        tabIndex={0}
                        inert={away}
                        aria-label={t("incident.facts")}
                    >
                        {away ? null : queue.cursor ? (
                            <IncidentView id={queue.cursor} beside />
                        ) : (
                            <p class="pane-empty">{t("pane.none")}</p>
                        )}
                    </section>
                )}
            </div>
        </div>
    );
}

/**
 * While another page covers the queue, nothing in it has the focus, and its rows are not found by
 * the browser's search. Not `inert`, nor hidden from the start: both have all rows drawn anew.
 */
function useAway(away: boolean) {
    const root = useRef<HTMLDivElement>(null);
    useLayoutEffect(() => {
        if (!away) return;
        const { activeElement } = document;
        if (activeElement instanceof HTMLElement && root.current!.contains(activeElement))
            activeElement.blur();
        const hide = (e: KeyboardEvent) => {
            if (e.key === "F3" || ((e.ctrlKey || e.metaKey) && "fg".includes(e.key.toLowerCase())))
                root.current!.classList.add("unfound");
        };
        document.addEventListener("keydown", hide, { capture: true });
        return () => {
            document.removeEventListener("keydown", hide, { capture: true });
            root.current?.classList.remove("unfound");
        };
    }, [away]);
    return root;
}

function checkAll(test: (row: Incident) => boolean): void {
    desk.queue.checkAll(test);
    desk.touch();
}

interface BarProps {
    q: string;
    away: boolean;
    search: { current: HTMLInputElement | null };
    onFilter: (key: string, value: string) => void;
    paneOpen: boolean;
    onPane: (on: boolean) => void;
    onSettle: () => void;
    onLeave: () => void;
}

/**
 * The text of the search field. What is typed becomes the search after a pause or when the field is
 * left; a search that comes from elsewhere (a filter, a link, the way back) replaces the text at
 * once, while drawing, so that a letter typed behind it is not lost to it.
 */
function useSearchText(q: string) {
    const [text, setText] = useState(q);
    const known = useRef(q);
    const timer = useRef<ReturnType<typeof setTimeout>>();
    if (known.current !== q) {
        known.current = q;
        clearTimeout(timer.current);
        timer.current = undefined;
        if (text.trim() !== q) setText(q);
    }
    const search = (value: string, step: boolean) => {
        clearTimeout(timer.current);
        timer.current = undefined;
        if (app.state.route.page !== "queue") return; // left by the way back, as it was typed
        known.current = value.trim();
        go({ page: "queue", q: known.current }, !step);
    };
    return {
        text,
        type: (value: string) => {
            setText(value);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => search(value, false), SEARCH_PAUSE_MS);
        },
        submit: () => search(text, true),
        settle: () => timer.current !== undefined && search(text, false),
    };
}

function QueueBar({ q, away, search, onFilter, paneOpen, onPane, onSettle, onLeave }: BarProps) {
    const { loading } = useStore(desk, (s) => s);
    const stats = useStore(app, (s) => s.stats);
    const many = useStore(
        app,
        (s) => (s.states.length > 1 && s.me?.states.length !== 1) || s.me?.states[0] === "*",
    );
    const field = useSearchText(q);
    const submit = (e: Event) => {
        e.preventDefault();
        field.submit();
        onLeave();
    };
    const onKey = (e: KeyboardEvent) => {
        if (e.key !== "Escape") return;
        e.stopPropagation();
        onLeave();
    };
    const state = values(q, "state").join(", ").toUpperCase();
    const words = values(q, "is");
    return (
        <div class="bar" inert={away}>
            <form class="search" role="search" onSubmit={submit}>
                <input
                    ref={search}
                    type="search"
                    aria-label={t("queue.search")}
                    placeholder={t("queue.search-hint")}
                    value={field.text}
                    spellcheck={false}
                    autocomplete="off"
                    onInput={(e) => field.type(e.currentTarget.value)}
                    onBlur={field.settle}
                    onKeyDown={onKey}
                />
                <kbd aria-hidden="true">/</kbd>
            </form>
            <div class="filters">
                {TIERS.map((tier) => (
                    <button
                        type="button"
                        class="toggle"
                        aria-pressed={values(q, "tier").includes(String(tier))}
                        aria-label={t("queue.filter-tier", { n: tier })}
                        onClick={() => onFilter("tier", String(tier))}
                    >
                        <TierChip tier={tier} />
                        <span>{stats ? whole(stats.by_tier[tier] ?? 0) : "–"}</span>
                    </button>
                ))}
                <button type="button" class="toggle" onClick={() => askFor("views", null)}>
                    {t("view.button")} <kbd>b</kbd>
                </button>
                {many && (
                    <button
                        type="button"
                        class="toggle"
                        aria-pressed={state !== ""}
                        onClick={() => askFor("state", null)}
                    >
                        {state || t("queue.filter-state")} <kbd>f</kbd>
                    </button>
                )}
                <button
                    type="button"
                    class="toggle"
                    aria-pressed={words.includes("mine")}
                    onClick={() => onFilter("is", "mine")}
                >
                    {t("queue.filter-mine")}
                </button>
                <button
                    type="button"
                    class="toggle"
                    aria-pressed={words.includes("waiting")}
                    onClick={() => onFilter("is", "waiting")}
                >
                    {t("queue.filter-waiting")}
                </button>
            </div>
            <button
                type="button"
                class={desk.queue.held ? "pill" : "pill hidden"}
                title={t("queue.settle-hint")}
                onClick={onSettle}
                disabled={!desk.queue.held}
            >
                {t("queue.settle")} <kbd>g g</kbd>
            </button>
            <p class="bar-words" role="status">
                {desk.queue.checked.size > 0 ? (
                    <strong>{t("queue.checked", { n: desk.queue.checked.size })}</strong>
                ) : (
                    <span>
                        {loading && desk.queue.size === 0
                            ? t("queue.loading")
                            : t("queue.total", { n: desk.queue.total })}
                    </span>
                )}
            </p>
            <button
                type="button"
                class="toggle pane-toggle"
                aria-pressed={paneOpen}
                aria-label={paneOpen ? t("pane.close") : t("pane.open")}
                onClick={() => onPane(!paneOpen)}
            >
                ◧ <kbd>v</kbd>
            </button>
        </div>
    );
}
