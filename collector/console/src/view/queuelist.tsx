// SPDX-License-Identifier: Apache-2.0
// The list itself: only the rows on the screen exist, and what comes in above the cursor moves the
// view along with it.
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref, VNode } from "preact";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { desk } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { Row, sameLook, sight, type RowLook } from "./queuerow.tsx";

export interface ListHandle {
    /** Scrolls just so far that the cursor can be seen. */
    reveal(): void;
    pageRows(): number;
    toTop(): void;
    focus(): void;
}

/** After so long without a change rows out of sight are drawn, a few a step, until none waits. */
const FILL_PAUSE_MS = 40;
const FILL_STEP_MS = 8;
const FILL_ROWS = 6;
const MORE_BEFORE_END = 60;

interface Props {
    handle: Ref<ListHandle>;
    q: string;
    /** An incident stands beside the list, which is narrower then. */
    beside: boolean;
    /** Another page covers it. */
    away: boolean;
    onOpen: () => void;
    onSettle: () => void;
}

interface Span {
    top: number;
    height: number;
    row: number;
}

/** What of the list is seen, and how it moves: with the cursor, and with what comes in above it. */
function useView(handle: Ref<ListHandle>, q: string, above: number) {
    const box = useRef<HTMLDivElement>(null);
    const head = useRef<HTMLDivElement>(null);
    const probe = useRef<HTMLDivElement>(null);
    const [view, setView] = useState<Span>({ top: 0, height: 900, row: 34 });
    const followed = useRef(above);
    const queue = desk.queue;

    const scrolled = () => {
        const top = box.current!.scrollTop;
        setView((was) => (was.top === top ? was : { ...was, top }));
    };
    const measure = () => {
        const element = box.current!;
        const row = probe.current!.offsetHeight || 34;
        head.current!.style.paddingInlineEnd = `${element.offsetWidth - element.clientWidth}px`;
        setView({ top: element.scrollTop, height: element.clientHeight, row });
        return row;
    };
    const reveal = (row: number) => {
        const element = box.current!;
        const index = queue.indexOf(queue.cursor);
        if (index < 0) return;
        const top = index * row;
        if (top < element.scrollTop) element.scrollTop = top;
        else if (top + row > element.scrollTop + element.clientHeight)
            element.scrollTop = top + row - element.clientHeight;
        scrolled();
    };
    useLayoutEffect(() => {
        reveal(measure());
        const observer = new ResizeObserver(measure);
        observer.observe(box.current!);
        observer.observe(probe.current!);
        return () => observer.disconnect();
    }, []);
    const shown = useRef(q);
    useLayoutEffect(() => {
        if (shown.current === q) return; // what was left is found again where it was
        shown.current = q;
        box.current!.scrollTop = 0;
        scrolled();
    }, [q]);
    useLayoutEffect(() => {
        const moved = above - followed.current;
        followed.current = above;
        if (moved <= 0) return;
        box.current!.scrollTop += moved * view.row;
        scrolled();
    }, [above]);
    useImperativeHandle(handle, () => ({
        reveal: () => reveal(view.row),
        pageRows: () => Math.max(1, Math.floor(view.height / view.row) - 1),
        toTop: () => {
            box.current!.scrollTop = 0;
            scrolled();
        },
        focus: () => box.current?.focus({ preventScroll: true }),
    }));
    return { view, box, head, probe, scrolled };
}

export function QueueList({ handle, q, beside, away, onOpen, onSettle }: Props) {
    const { revision, above, failed, loading } = useStore(desk, (s) => s);
    const queue = desk.queue;
    const { view, box, head, probe, scrolled } = useView(handle, q, above);

    const top = Math.floor(view.top / view.row);
    const last = Math.min(queue.size, Math.ceil((view.top + view.height) / view.row));
    const page = Math.ceil(view.height / view.row) + 1;
    useEffect(() => {
        if (last > queue.size - MORE_BEFORE_END) void desk.more();
    }, [last, revision]);
    Object.assign(sight, { top, last });
    const newAbove = queue.freshBefore(top);
    const cursorIndex = queue.indexOf(queue.cursor);
    const rows = useRows([top, last, page], view.row, beside, onOpen);

    return (
        <div class="list">
            <Head box={head} />
            {newAbove > 0 && (
                <button type="button" class="pill new-above" inert={away} onClick={onSettle}>
                    ↑ {t("queue.new-above", { n: newAbove })}
                </button>
            )}
            <div
                ref={box}
                class="rows"
                role="grid"
                tabIndex={away ? -1 : 0}
                aria-label={t("queue.title")}
                aria-rowcount={queue.total}
                aria-multiselectable="true"
                aria-activedescendant={
                    cursorIndex >= top && cursorIndex < last ? `row-${queue.cursor}` : undefined
                }
                onScroll={scrolled}
            >
                <div ref={probe} class="row-probe" aria-hidden="true" />
                <div
                    class="rows-space"
                    role="presentation"
                    style={{ height: `${queue.size * view.row}px` }}
                >
                    {rows}
                </div>
                {queue.size === 0 && (
                    <Empty q={q} away={away} failed={failed} loading={loading} />
                )}
            </div>
        </div>
    );
}

function Head({ box }: { box: Ref<HTMLDivElement> }) {
    return (
        <div class="list-head" ref={box} aria-hidden="true">
            <div class="list-cols">
                <span />
                <span>{t("tier")}</span>
                <span>{t("col.time")}</span>
                <span>{t("col.what")}</span>
                <span class="c-state">{t("col.state")}</span>
                <span class="c-who">{t("col.who")}</span>
                <span class="c-stages">{t("col.stages")}</span>
                <span class="c-count">{t("col.count")}</span>
                <span class="c-owner">{t("col.owner")}</span>
            </div>
        </div>
    );
}

interface EmptyProps {
    q: string;
    away: boolean;
    failed: string | null;
    loading: boolean;
}

function Empty({ q, away, failed, loading }: EmptyProps) {
    if (failed)
        return (
            <div class="empty" role="row" inert={away}>
                <div role="gridcell">
                    <p class="error">{t("queue.failed", { why: failed })}</p>
                    <button type="button" onClick={() => void desk.load(q)}>
                        {t("queue.retry")}
                    </button>
                </div>
            </div>
        );
    return (
        <div class="empty" role="row">
            <div role="gridcell">
                <p class="empty-title">
                    {loading ? t("queue.loading") : q ? t("queue.no-match") : t("queue.empty")}
                </p>
                {!loading && !q && <p>{t("queue.empty-hint")}</p>}
            </div>
        </div>
    );
}

interface Drawn {
    look: RowLook;
    node: VNode;
}

/** From which place a row is drawn: the first and the last page have places of their own. */
function placeOf(index: number, size: number, page: number): string {
    if (index < page) return `top ${index}`;
    if (index >= size - page) return `end ${size - index}`;
    return `mid ${index % (3 * page)}`;
}

/** What stands ready: what is seen, a page on either side of it, the list's first and last page. */
function ready(top: number, last: number, size: number, page: number): number[] {
    const ranges = [
        [top, last],
        [last, last + page],
        [top - page, top],
        [0, page],
        [size - page, size],
    ] as const;
    const all = new Set<number>();
    for (const [from, to] of ranges)
        for (let i = Math.max(0, from); i < Math.min(size, to); i++) all.add(i);
    return [...all];
}

/**
 * The rows from `top` to `last`, and those that a key may show next. A row that looks as it did is
 * given back as it was drawn: one step of the cursor redraws two rows. Rows out of sight are drawn a
 * few at a time when no key has come for a while, so that a jump by a page or to an end finds them
 * there; until then their place stays as it was, out of sight too: places that take turns (`mid`)
 * are as many as the rows around the seen ones.
 */
function useRows(
    [top, last, page]: readonly [number, number, number],
    height: number,
    beside: boolean,
    onOpen: () => void,
): VNode[] {
    const me = useStore(app, (s) => s.me?.user ?? "");
    const queue = desk.queue;
    const kept = useRef({ page, beside, places: new Map<string, Drawn>() });
    const spare = useRef(0);
    const filling = useRef(false);
    const [, fill] = useState({});
    const open = useRef(onOpen);
    open.current = onOpen;
    if (kept.current.page !== page) kept.current = { page, beside, places: new Map() };
    const { places } = kept.current;
    if (kept.current.beside !== beside) {
        // Another width lays out all rows anew: those out of sight come back when there is time.
        kept.current.beside = beside;
        for (const [place, { look }] of places)
            if (look.index < top || look.index >= last) places.delete(place);
    }
    let waiting = false;
    for (const index of ready(top, last, queue.size, page)) {
        const row = queue.at(index)!;
        const current = queue.cursor === row.id;
        const checked = queue.checked.has(row.id);
        const look = { row, index, top: index * height, me, current, checked };
        const place = placeOf(index, queue.size, page);
        const known = places.get(place);
        if (known && sameLook(known.look, look)) continue;
        const now = (index >= top && index < last) || known?.look.current;
        if (!now && spare.current-- <= 0) waiting = true;
        else
            places.set(place, {
                look,
                node: <Row key={place} {...look} onOpen={() => open.current()} />,
            });
    }
    for (const [place, { look }] of places)
        if (look.index >= queue.size || (look.current && look.row.id !== queue.cursor))
            places.delete(place);
    const pause = filling.current ? FILL_STEP_MS : FILL_PAUSE_MS;
    spare.current = 0;
    filling.current = false;
    useEffect(() => {
        if (!waiting) return;
        const timer = setTimeout(() => {
            spare.current = FILL_ROWS;
            filling.current = true;
            fill({});
        }, pause);
        return () => clearTimeout(timer);
    });
    return [...places.values()].map(({ node }) => node);
}
