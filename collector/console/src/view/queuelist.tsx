// SPDX-License-Identifier: Apache-2.0
// The list itself: only the rows on the screen exist, and what comes in above the cursor moves the
// view along with it.
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref, VNode } from "preact";
import { age, clockTime } from "../format/time.ts";
import { plain, short } from "../format/text.ts";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { desk } from "../model/desk.ts";
import type { Shown } from "../model/queue.ts";
import { useStore } from "../model/store.ts";
import {
    Arrow,
    Spark,
    StageStrip,
    StateCode,
    StatusWord,
    Text,
    TierChip,
    TimeLeftView,
    signed,
} from "./bits.tsx";

export interface ListHandle {
    /** Scrolls just so far that the cursor can be seen. */
    reveal(): void;
    pageRows(): number;
    toTop(): void;
    focus(): void;
}

const SPARE_ROWS = 6;
/** So long after a jump the rows beyond the edges are drawn. */
const SETTLE_MS = 60;
const MORE_BEFORE_END = 60;

interface Props {
    handle: Ref<ListHandle>;
    q: string;
    onOpen: () => void;
    onSettle: () => void;
}

interface Span {
    top: number;
    height: number;
    row: number;
}

export function QueueList({ handle, q, onOpen, onSettle }: Props) {
    const { revision, above, failed, loading } = useStore(desk, (s) => s);
    const me = useStore(app, (s) => s.me?.user ?? "");
    const box = useRef<HTMLDivElement>(null);
    const head = useRef<HTMLDivElement>(null);
    const probe = useRef<HTMLDivElement>(null);
    const [view, setView] = useState<Span>({ top: 0, height: 900, row: 34 });
    const followed = useRef(above);
    const queue = desk.queue;

    const measure = () => {
        const element = box.current;
        const row = probe.current?.offsetHeight || 34;
        if (!element) return;
        head.current!.style.paddingInlineEnd = `${element.offsetWidth - element.clientWidth}px`;
        setView((was) =>
            was.top === element.scrollTop && was.height === element.clientHeight && was.row === row
                ? was
                : { top: element.scrollTop, height: element.clientHeight, row },
        );
    };
    useLayoutEffect(() => {
        measure();
        const observer = new ResizeObserver(measure);
        observer.observe(box.current!);
        observer.observe(probe.current!);
        return () => observer.disconnect();
    }, []);
    useEffect(() => box.current?.focus({ preventScroll: true }), []);
    useLayoutEffect(() => {
        box.current!.scrollTop = 0;
        measure();
    }, [q]);
    useLayoutEffect(() => {
        const moved = above - followed.current;
        followed.current = above;
        if (moved <= 0 || !box.current) return;
        box.current.scrollTop += moved * view.row;
        measure();
    }, [above]);
    useImperativeHandle(handle, () => ({
        reveal: () => {
            const element = box.current;
            const index = queue.indexOf(queue.cursor);
            if (!element || index < 0) return;
            const top = index * view.row;
            if (top < element.scrollTop) element.scrollTop = top;
            else if (top + view.row > element.scrollTop + element.clientHeight)
                element.scrollTop = top + view.row - element.clientHeight;
            measure();
        },
        pageRows: () => Math.max(1, Math.floor(view.height / view.row) - 1),
        toTop: () => {
            if (box.current) box.current.scrollTop = 0;
            measure();
        },
        focus: () => box.current?.focus({ preventScroll: true }),
    }));

    const top = Math.floor(view.top / view.row);
    const bottom = Math.ceil((view.top + view.height) / view.row);
    const first = Math.max(0, top - SPARE_ROWS);
    const last = Math.min(queue.size, bottom + SPARE_ROWS);
    const jumped = useJump(view.top, view.height / 2);
    useEffect(() => {
        if (last > queue.size - MORE_BEFORE_END) void desk.more();
    }, [last, revision]);
    const newAbove = queue.freshBefore(Math.floor(view.top / view.row));
    const cursorIndex = queue.indexOf(queue.cursor);
    const draw = useRows(Math.ceil(view.height / view.row) + 2 * SPARE_ROWS + 1, onOpen);

    return (
        <div class="list">
            <div class="list-head" ref={head} aria-hidden="true">
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
            {newAbove > 0 && (
                <button type="button" class="pill new-above" onClick={onSettle}>
                    ↑ {t("queue.new-above", { n: newAbove })}
                </button>
            )}
            <div
                ref={box}
                class="rows"
                role="grid"
                tabIndex={0}
                aria-label={t("queue.title")}
                aria-rowcount={queue.total}
                aria-multiselectable="true"
                aria-activedescendant={
                    cursorIndex >= first && cursorIndex < last ? `row-${queue.cursor}` : undefined
                }
                onScroll={measure}
            >
                <div ref={probe} class="row-probe" aria-hidden="true" />
                <div
                    class="rows-space"
                    role="presentation"
                    style={{ height: `${queue.size * view.row}px` }}
                >
                    {Array.from({ length: Math.max(0, last - first) }, (_, i) => {
                        const row = queue.at(first + i);
                        const seen = first + i >= top && first + i < bottom;
                        return (
                            row &&
                            draw(
                                {
                                    row,
                                    index: first + i,
                                    top: (first + i) * view.row,
                                    me,
                                    current: queue.cursor === row.id,
                                    checked: queue.checked.has(row.id),
                                },
                                jumped && !seen,
                            )
                        );
                    })}
                </div>
                {queue.size === 0 && <Empty q={q} failed={failed} loading={loading} />}
            </div>
        </div>
    );
}

function Empty({ q, failed, loading }: { q: string; failed: string | null; loading: boolean }) {
    if (failed)
        return (
            <div class="empty" role="row">
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

interface RowLook {
    row: Shown;
    index: number;
    top: number;
    me: string;
    current: boolean;
    checked: boolean;
}

const sameLook = (a: RowLook, b: RowLook): boolean =>
    a.row === b.row &&
    a.index === b.index &&
    a.top === b.top &&
    a.me === b.me &&
    a.current === b.current &&
    a.checked === b.checked;

/** Whether the list has just moved by more than `far`; soon after it has not. */
function useJump(top: number, far: number): boolean {
    const [settled, setSettled] = useState(top);
    useEffect(() => {
        const timer = setTimeout(() => setSettled(top), SETTLE_MS);
        return () => clearTimeout(timer);
    }, [top]);
    return Math.abs(top - settled) > far;
}

/**
 * Draws rows into `places` that take turns, so that scrolling changes texts and does not build and
 * remove; a row that looks as it did is given back as it was drawn: one step of the cursor redraws
 * two rows, not forty. A row that can `wait` stays what its place was, which lies outside of what
 * is seen: after a jump the rows beyond the edges are drawn when those in sight are on the screen.
 */
function useRows(places: number, onOpen: () => void): (look: RowLook, wait: boolean) => VNode {
    const kept = useRef({ places, at: new Map<number, { look: RowLook; node: VNode }>() });
    const open = useRef(onOpen);
    open.current = onOpen;
    if (kept.current.places !== places) kept.current = { places, at: new Map() };
    return (look, wait) => {
        const place = look.index % places;
        const known = kept.current.at.get(place);
        if (known && (wait || sameLook(known.look, look))) return known.node;
        const node = <Row key={place} {...look} onOpen={() => open.current()} />;
        kept.current.at.set(place, { look, node });
        return node;
    };
}

function Row({
    row,
    index,
    top,
    me,
    current,
    checked,
    onOpen,
}: RowLook & { onOpen: () => void }) {
    const queue = desk.queue;
    const choose = () => {
        queue.cursor = row.id;
        queue.move(0);
        desk.touch();
    };
    const classes = [
        "row",
        `t${row.tier}`,
        current && "current",
        checked && "checked",
        row.pending && "pending",
        row.gone && "gone",
        row.fresh && "fresh",
    ];
    return (
        <div
            id={`row-${row.id}`}
            class={classes.filter(Boolean).join(" ")}
            role="row"
            aria-rowindex={index + 1}
            aria-selected={checked}
            style={{ transform: `translateY(${top}px)` }}
            onClick={choose}
            onDblClick={onOpen}
        >
            <span role="gridcell" class="c-check">
                <input
                    type="checkbox"
                    tabIndex={-1}
                    checked={checked}
                    aria-label={t("queue.select", { id: row.id })}
                    onClick={(e) => e.stopPropagation()}
                    onChange={() => {
                        queue.check(row.id);
                        desk.touch();
                    }}
                />
            </span>
            <span role="gridcell" class="c-tier">
                <TierChip tier={row.tier} />
                <span
                    class="pair"
                    title={`${t("row.likelihood")} ${row.likelihood}, ${t("row.impact")} ${row.impact}`}
                >
                    {row.likelihood}·{row.impact}
                </span>
            </span>
            <span role="gridcell" class="c-time">
                {row.gone ? (
                    <span class="due due-none">
                        <StatusWord status={row.status} />
                    </span>
                ) : (
                    <TimeLeft row={row} />
                )}
            </span>
            <What row={row} />
            <span role="gridcell" class="c-state">
                <span class="l1">
                    <StateCode code={row.state} /> <Text value={row.victim_role} limit={60} />
                </span>
                <span class="l2">
                    <Text value={row.rsit.type} limit={60} />
                </span>
            </span>
            <span
                role="gridcell"
                class="c-who"
                title={plain(`${row.victim} ${row.peer ?? ""}`, 300)}
            >
                <span class="l1 mono">
                    <Text value={row.victim} limit={120} />
                </span>
                <span class="l2 mono">
                    <Arrow direction={row.direction} /> <Text value={row.peer} limit={120} />
                </span>
            </span>
            <span role="gridcell" class="c-stages">
                <StageStrip seen={row.stages} />
                <span class="l2">
                    {row.states_seen > 1 && (
                        <span class="badge" title={t("row.states-hint", { n: row.states_seen })}>
                            {t("row.states", { n: row.states_seen })}
                        </span>
                    )}
                </span>
            </span>
            <span
                role="gridcell"
                class="c-count"
                title={t("row.alerts", {
                    n: row.count,
                    sensors: plain(row.sensors.join(", "), 200),
                })}
            >
                <span class="l1">
                    <span class="num">{short(row.count)}</span>{" "}
                    <Spark values={row.spark} label={t("row.spark")} />
                </span>
                <span class="l2">
                    <Text value={row.sensors.join(", ")} limit={80} />
                </span>
            </span>
            <Owner row={row} me={me} />
        </div>
    );
}

/** The clocks of a row tick by themselves: a second does not redraw the rows around them. */
function TimeLeft({ row }: { row: Shown }) {
    const now = useStore(app, (s) => s.now);
    return <TimeLeftView row={row} now={now} />;
}

function What({ row }: { row: Shown }) {
    return (
        <span role="gridcell" class="c-what">
            <span class="l1">
                {row.status !== "new" && row.status !== "triage" && (
                    <StatusWord status={row.status} />
                )}
                <span class="title">
                    <Text value={row.title} limit={200} />
                </span>
            </span>
            <span class="l2">
                <a class="id" tabIndex={-1} href={`#/incident/${encodeURIComponent(row.id)}`}>
                    {row.id}
                </a>
                {row.reasons.slice(0, 2).map((reason) => (
                    <span class="reason">
                        <b>{signed(reason.weight)}</b> <Text value={reason.text} limit={120} />
                    </span>
                ))}
            </span>
        </span>
    );
}

function Owner({ row, me }: { row: Shown; me: string }) {
    const now = useStore(app, (s) => s.now);
    return (
        <span role="gridcell" class="c-owner">
            <span class="l1">
                {row.claimed_by ? (
                    <>
                        <span class={row.claimed_by === me ? "you" : ""}>
                            {row.claimed_by === me ? (
                                t("row.you")
                            ) : (
                                <Text value={row.claimed_by} limit={40} />
                            )}
                        </span>
                        {row.claimed_at && (
                            <span class="dim"> {clockTime(row.claimed_at, now)}</span>
                        )}
                    </>
                ) : (
                    <span class="dim">{t("row.unclaimed")}</span>
                )}
            </span>
            <span class="l2" title={row.last_note ? plain(row.last_note, 300) : undefined}>
                {row.last_note ? (
                    <Text value={row.last_note} limit={80} />
                ) : (
                    <span>{age(row.last_seen, now)}</span>
                )}
            </span>
        </span>
    );
}
