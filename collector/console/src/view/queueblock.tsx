// SPDX-License-Identifier: Apache-2.0
// Which rows of the queue stand ready, seen or not, and where: a few rows are a block, which moves
// as one.
import { useEffect, useRef, useState } from "preact/hooks";
import type { VNode } from "preact";
import { app } from "../model/app.ts";
import { desk } from "../model/desk.ts";
import type { Queue } from "../model/queue.ts";
import { useStore } from "../model/store.ts";
import { Row, sameLook, type RowLook } from "./queuerow.tsx";

/** So many rows are drawn at once: a frame costs the browser as much as a few of them. */
const BLOCK = 8;
/**
 * After so long without a change the blocks out of sight are drawn: one a frame, and when those of
 * the pages beside are there, one a pause, since a key that comes meanwhile waits for the frame.
 */
const FILL_PAUSE_MS = 40;

/** In rows: what is seen, from `top` to before `last`, and how many of them are a page. */
interface Seen {
    top: number;
    last: number;
    page: number;
}

interface Block {
    /** Its place in the list, in px. */
    top: number;
    looks: RowLook[];
    rows: VNode[];
    /** Its rows are kept, but neither laid out nor painted until there is time. */
    hidden: boolean;
    node: VNode;
}

/**
 * From which place a block is drawn: those of the first and last page have their own, the others
 * take turns (`mid`) at as many as three pages may touch.
 */
function placeOf(block: number, size: number, page: number): string {
    const fromEnd = Math.ceil(size / BLOCK) - block;
    if (block * BLOCK < page) return `top ${block}`;
    if ((fromEnd - 2) * BLOCK < page) return `end ${fromEnd}`;
    return `mid ${block % (Math.ceil((3 * page) / BLOCK) + 1)}`;
}

/** What stands ready: what is seen, a page on either side of it, the list's first and last page. */
function ready({ top, last, page }: Seen, size: number): number[] {
    const ranges = [
        [top, last],
        [last, last + page],
        [top - page, top],
        [0, page],
        [size - page, size],
    ] as const;
    const all = new Set<number>();
    for (const [from, to] of ranges) {
        const end = Math.ceil(Math.min(size, to) / BLOCK);
        for (let i = Math.floor(Math.max(0, from) / BLOCK); i < end; i++) all.add(i);
    }
    return [...all];
}

function looksOf(block: number, queue: Queue, me: string): RowLook[] {
    const looks: RowLook[] = [];
    const end = Math.min(queue.size, (block + 1) * BLOCK);
    for (let index = block * BLOCK; index < end; index++) {
        const row = queue.at(index)!;
        const current = queue.cursor === row.id;
        looks.push({ row, index, me, current, checked: queue.checked.has(row.id) });
    }
    return looks;
}

const unchanged = (known: Block, top: number, looks: RowLook[]): boolean =>
    !known.hidden &&
    known.top === top &&
    known.looks.length === looks.length &&
    looks.every((look, i) => sameLook(look, known.looks[i]!));

function blockOf(place: string, parts: Omit<Block, "node">): Block {
    const { top, rows, hidden } = parts;
    const style = {
        transform: `translateY(${top}px)`,
        contentVisibility: hidden ? "hidden" : undefined,
    };
    const node = (
        <div key={place} class="rows-block" role="presentation" style={style}>
            {rows}
        </div>
    );
    return { ...parts, node };
}

/** A row that looks as it did is given back as it was drawn. */
function rowsOf(looks: RowLook[], known: Block | undefined, open: () => void): VNode[] {
    return looks.map((look, i) => {
        const was = known?.looks[i];
        if (was && sameLook(was, look)) return known!.rows[i]!;
        return <Row key={i} {...look} onOpen={open} />;
    });
}

/**
 * How many blocks out of sight this drawing may add (`spare`). One that waits is added by another
 * drawing: after the pause, or behind this one's frame when it is near and this one added one too.
 */
function useFill() {
    const granted = useRef(0);
    const [, again] = useState({});
    let pause: number | null = null;
    const filling = granted.current > 0;
    const fill = {
        spare: granted.current,
        wait: (near: boolean) => (pause ??= near && filling ? 0 : FILL_PAUSE_MS),
    };
    granted.current = 0;
    useEffect(() => {
        if (pause === null) return;
        const timer = setTimeout(() => {
            granted.current = 1;
            again({});
        }, pause);
        return () => clearTimeout(timer);
    });
    return fill;
}

/**
 * The blocks that are seen, and those that a key may show next. One step of the cursor redraws
 * two rows. Blocks out of sight are drawn one at a time when no key has come for a while, so that a
 * jump by a page or to an end finds them there; until then their place stays as it was, unseen too.
 */
export function useBlocks(
    seen: Seen,
    height: number,
    beside: boolean,
    onOpen: () => void,
): VNode[] {
    const me = useStore(app, (s) => s.me?.user ?? "");
    const queue = desk.queue;
    const { top, last, page } = seen;
    const kept = useRef({ page, beside, places: new Map<string, Block>() });
    const fill = useFill();
    const open = useRef(onOpen);
    open.current = onOpen;
    if (kept.current.page !== page) kept.current = { page, beside, places: new Map() };
    const { places } = kept.current;
    /** Does the block that begins there touch what is seen, or so many rows beside it? */
    const within = (index: number, rows: number) =>
        index + BLOCK > top - rows && index < last + rows;
    if (kept.current.beside !== beside) {
        // Another width lays out all rows anew: those out of sight come back when there is time.
        kept.current.beside = beside;
        for (const [place, block] of places)
            if (!within(block.looks[0]!.index, 0))
                places.set(place, blockOf(place, { ...block, hidden: true }));
    }
    for (const block of ready(seen, queue.size)) {
        const looks = looksOf(block, queue, me);
        const index = block * BLOCK;
        const place = placeOf(block, queue.size, page);
        const known = places.get(place);
        const at = index * height;
        if (known && unchanged(known, at, looks)) continue;
        const now = within(index, 0) || known?.looks.some(({ current }) => current);
        if (!now && fill.spare-- <= 0) fill.wait(within(index, page));
        else {
            const rows = rowsOf(looks, known, () => open.current());
            places.set(place, blockOf(place, { top: at, looks, rows, hidden: false }));
        }
    }
    const left = ({ row, index, current }: RowLook) =>
        index >= queue.size || (current && row.id !== queue.cursor);
    for (const [place, { looks }] of places) if (looks.some(left)) places.delete(place);
    return [...places.values()].map(({ node }) => node);
}
