// SPDX-License-Identifier: Apache-2.0
// The list itself: only the rows on the screen exist, and what comes in above the cursor moves the
// view along with it.
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref } from "preact";
import { t } from "../msg/index.ts";
import { desk } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { useBlocks } from "./queueblock.tsx";
import { sight } from "./queuerow.tsx";

export interface ListHandle {
    /** Scrolls just so far that the cursor can be seen. */
    reveal(): void;
    pageRows(): number;
    toTop(): void;
    focus(): void;
}

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
    const blocks = useBlocks({ top, last, page }, view.row, beside, onOpen);

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
                    {blocks}
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
