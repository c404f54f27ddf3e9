// SPDX-License-Identifier: Apache-2.0
// A page's frame, lists that are read page by page, and the table they are shown in.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Page } from "../api/types.ts";
import { t } from "../msg/index.ts";
import { sayProblem } from "../model/desk.ts";
import { Failed } from "./form.tsx";

const REFRESH_MS = 30_000;

export interface Listed<T> {
    items: T[] | null;
    total: number;
    failed: string | null;
    /** Is there more than what is here? */
    more: boolean;
    readMore: () => void;
    reload: () => void;
}

/**
 * Reads a list, again every half minute while only its first page is shown, and anew when `key`
 * changes or `reload` is called. What was read stays on the screen until there is an answer, and
 * when there is none.
 */
export function useListed<T>(
    key: string,
    read: (after: string | null) => Promise<Page<T>>,
): Listed<T> {
    const [page, setPage] = useState<Page<T> | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const [turn, setTurn] = useState(0);
    /** The page that is being read after the first; the list that it belongs to. */
    const beyond = useRef({ first: true, reading: null as Promise<unknown> | null });
    const of = useRef(key);
    const latest = useRef(read);
    latest.current = read;
    useEffect(() => {
        let live = true;
        const mine = { first: true, reading: null };
        beyond.current = mine;
        if (of.current !== key) setPage(null);
        of.current = key;
        const take = () =>
            latest.current(null).then(
                (found) => {
                    if (!live || !mine.first) return;
                    setPage(found);
                    setFailed(null);
                },
                (err) => live && setFailed(sayProblem(err)),
            );
        void take();
        const timer = setInterval(() => !document.hidden && mine.first && void take(), REFRESH_MS);
        return () => {
            live = false;
            clearInterval(timer);
        };
    }, [key, turn]);
    const readMore = () => {
        const mine = beyond.current;
        if (!page?.next || mine.reading) return;
        const { first } = mine;
        mine.first = false;
        const more = (found: Page<T>) =>
            setPage({ ...found, items: [...page.items, ...found.items] });
        mine.reading = latest
            .current(page.next)
            .then(
                (found) => mine === beyond.current && more(found),
                (err) => {
                    mine.first = first;
                    if (mine === beyond.current) setFailed(sayProblem(err));
                },
            )
            .finally(() => (mine.reading = null));
    };
    return {
        items: page?.items ?? null,
        total: page?.total ?? 0,
        failed,
        more: !!page?.next,
        readMore,
        reload: () => setTurn((n) => n + 1),
    };
}

export function PageFrame({
    kind,
    title,
    tally,
    tools,
    failed,
    children,
}: {
    kind: string;
    title: string;
    tally?: ComponentChildren;
    tools?: ComponentChildren;
    failed?: string | null;
    children: ComponentChildren;
}) {
    return (
        <main id="content" class={`page page-${kind}`} tabIndex={-1}>
            <header class="page-head">
                <h1>{title}</h1>
                {tally && <div class="tally">{tally}</div>}
                {tools && <div class="tools">{tools}</div>}
            </header>
            {failed && (
                <p class="error" role="alert">
                    {t("page.failed", { why: failed })}
                </p>
            )}
            {children}
        </main>
    );
}

export function Empty({ title, hint }: { title: string; hint?: string }) {
    return (
        <div class="empty">
            <p class="empty-title">{title}</p>
            {hint && <p>{hint}</p>}
        </div>
    );
}

export interface Column<T> {
    head: string;
    num?: boolean;
    /** Left out where there is little room. */
    wide?: boolean;
    /** Takes the room that is left; the others are as wide as what they say. */
    grow?: boolean;
    cell: (row: T) => ComponentChildren;
}

interface TableProps<T> {
    label: string;
    rows: T[];
    columns: Column<T>[];
    keyOf: (row: T) => string;
    onRow?: (row: T) => void;
    current?: string | null;
}

/** The first column names the row. A row that can be opened has a button or link in it, too. */
export function DataTable<T>({ label, rows, columns, keyOf, onRow, current }: TableProps<T>) {
    const kind = ({ num, wide, grow }: Column<T>) =>
        [num && "num", wide && "wide-only", grow && "grow"].filter(Boolean).join(" ");
    const fits = columns.some(({ grow }) => grow);
    return (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={label}>
            <table class={fits ? "table list-table fits" : "table list-table"}>
                <thead>
                    <tr>
                        {columns.map((column) => (
                            <th scope="col" class={kind(column)}>
                                {column.head}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr
                            key={keyOf(row)}
                            class={[onRow && "opens", keyOf(row) === current && "current"]
                                .filter(Boolean)
                                .join(" ")}
                            onClick={onRow && (() => onRow(row))}
                        >
                            {columns.map((column, i) =>
                                i === 0 ? (
                                    <th scope="row">{column.cell(row)}</th>
                                ) : (
                                    <td class={kind(column)}>{column.cell(row)}</td>
                                ),
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** A list from the collector as a table, with what stands there when it is empty or failed. */
export function ListedTable<T>({
    list,
    empty,
    hint,
    ...table
}: Omit<TableProps<T>, "rows"> & { list: Listed<T>; empty: string; hint?: string }) {
    if (!list.items)
        return list.failed ? null : (
            <p class="loading" role="status">
                {t("page.loading")}
            </p>
        );
    if (list.items.length === 0) return <Empty title={empty} hint={hint} />;
    return (
        <>
            <DataTable rows={list.items} {...table} />
            {list.more && (
                <p class="more-button">
                    <button type="button" onClick={list.readMore}>
                        {t("page.more")}
                    </button>
                </p>
            )}
        </>
    );
}

/** A list that people keep in order: its tools, the table, and what a button of it opened. */
export function ListPanel<T>({
    tools,
    children,
    ...table
}: Parameters<typeof ListedTable<T>>[0] & {
    tools?: ComponentChildren;
    children?: ComponentChildren;
}) {
    return (
        <>
            {tools && <p class="tab-tools">{tools}</p>}
            <Failed why={table.list.failed} />
            <ListedTable {...table} />
            {children}
        </>
    );
}
