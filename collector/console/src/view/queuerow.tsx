// SPDX-License-Identifier: Apache-2.0
// One row of the queue: how it is drawn follows from its look alone, and its clocks tick by
// themselves.
import { useRef } from "preact/hooks";
import { age, clockTime } from "../format/time.ts";
import { plain, short, widest } from "../format/text.ts";
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

export interface RowLook {
    row: Shown;
    index: number;
    me: string;
    current: boolean;
    checked: boolean;
}

export const sameLook = (a: RowLook, b: RowLook): boolean =>
    a.row === b.row &&
    a.index === b.index &&
    a.me === b.me &&
    a.current === b.current &&
    a.checked === b.checked;

export function Row({
    row,
    index,
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
                    <TimeLeft row={row} index={index} />
                )}
            </span>
            <What row={row} />
            <Where row={row} />
            <Parties row={row} />
            <Stages row={row} />
            <Count row={row} />
            <Owner row={row} index={index} me={me} />
        </div>
    );
}

/** Which rows are seen: the list says so when it is drawn. */
export const sight = { top: 0, last: 0 };
const UNSEEN_TURNS = 10;
const TURN_MS = 1000;

/**
 * The clocks of a row tick by themselves: a second does not redraw the rows around them. Rows that
 * stand ready out of sight take turns; one that comes into sight is right with the next tick.
 */
function useClock(index: number): number {
    const shown = useRef(0);
    const at = useRef(index);
    at.current = index;
    return useStore(app, ({ now }) => {
        const seen = at.current >= sight.top && at.current < sight.last;
        const turn = Math.floor(now / TURN_MS) % UNSEEN_TURNS === at.current % UNSEEN_TURNS;
        if (seen || turn || shown.current === 0) shown.current = now;
        return shown.current;
    });
}

function TimeLeft({ row, index }: { row: Shown; index: number }) {
    const now = useClock(index);
    return <TimeLeftView row={row} now={now} />;
}

/**
 * A line that is cut where it does not fit costs the browser more to paint than what stands in it.
 * So only the title's cell is always cut, and of the others those whose text may be too wide for its
 * column: the room here is that of the columns in queue.css, in em of the line. In a list so narrow
 * that the columns shrink, queue.css cuts every line.
 */
const ROOM = { role: 8.4, type: 11.7, victim: 12.2, peer: 12, sensors: 10.3, owner: 8.5, note: 9.6 };
const cutUnless = (fit: boolean, name: string): string => (fit ? name : `${name} cut`);
const fits = (text: string | null | undefined, room: number, mono = false): boolean =>
    !text || widest(text, mono) <= room;

function What({ row }: { row: Shown }) {
    return (
        <span role="gridcell" class="c-what cut">
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

function Where({ row }: { row: Shown }) {
    return (
        <span
            role="gridcell"
            class={cutUnless(
                fits(row.victim_role, ROOM.role) && fits(row.rsit.type, ROOM.type),
                "c-state",
            )}
            title={plain(`${row.victim_role} ${row.rsit.type}`, 200)}
        >
            <span class="l1">
                <StateCode code={row.state} /> <Text value={row.victim_role} limit={60} />
            </span>
            <span class="l2">
                <Text value={row.rsit.type} limit={60} />
            </span>
        </span>
    );
}

function Parties({ row }: { row: Shown }) {
    const fit = fits(row.victim, ROOM.victim, true) && fits(row.peer, ROOM.peer, true);
    return (
        <span
            role="gridcell"
            class={cutUnless(fit, "c-who")}
            title={plain(`${row.victim} ${row.peer ?? ""}`, 300)}
        >
            <span class="l1 mono">
                <Text value={row.victim} limit={120} />
            </span>
            <span class="l2 mono">
                <Arrow direction={row.direction} /> <Text value={row.peer} limit={120} />
            </span>
        </span>
    );
}

function Stages({ row }: { row: Shown }) {
    return (
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
    );
}

function Count({ row }: { row: Shown }) {
    const sensors = row.sensors.join(", ");
    return (
        <span
            role="gridcell"
            class="c-count"
            title={t("row.alerts", {
                n: row.count,
                sensors: plain(sensors, 200),
            })}
        >
            <span class="l1">
                <span class="num">{short(row.count)}</span>{" "}
                <Spark values={row.spark} label={t("row.spark")} />
            </span>
            <span class={cutUnless(fits(sensors, ROOM.sensors), "l2")}>
                <Text value={sensors} limit={80} />
            </span>
        </span>
    );
}

function Owner({ row, index, me }: { row: Shown; index: number; me: string }) {
    const now = useClock(index);
    const mine = row.claimed_by === me;
    const owner = !row.claimed_by ? t("row.unclaimed") : mine ? t("row.you") : row.claimed_by;
    const since = row.claimed_by && row.claimed_at ? ` ${clockTime(row.claimed_at, now)}` : "";
    const note = row.last_note ?? age(row.last_seen, now);
    return (
        <span
            role="gridcell"
            class={cutUnless(
                fits(owner + since, ROOM.owner) && fits(note, ROOM.note),
                "c-owner",
            )}
        >
            <span class="l1">
                {row.claimed_by ? (
                    <>
                        <span class={mine ? "you" : ""}>
                            <Text value={owner} limit={40} />
                        </span>
                        {since && <span class="dim">{since}</span>}
                    </>
                ) : (
                    <span class="dim">{owner}</span>
                )}
            </span>
            <span class="l2" title={row.last_note ? plain(row.last_note, 300) : undefined}>
                <Text value={note} limit={80} />
            </span>
        </span>
    );
}
