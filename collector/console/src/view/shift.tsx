// SPDX-License-Identifier: Apache-2.0
// My shift: what is due, mine and waiting, what came and went since I was last here, as a page and
// as words to hand over; and the figures that say whether the shift holds.
import { useEffect, useMemo, useState } from "preact/hooks";
import { readWhole, type Whole } from "../api/incidents.ts";
import type { Incident, Tier } from "../api/types.ts";
import { plain, short, whole } from "../format/text.ts";
import { clockTime, span, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, notify, preference, stateName } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { isOpen } from "../model/search.ts";
import { AGES, byAge, matrix, paces, shiftOf, type Shift } from "../model/shift.ts";
import { useStore } from "../model/store.ts";
import { Bars, HeatMap } from "../plot/bars.tsx";
import { PlotCard } from "../plot/frame.tsx";
import { lazy } from "./lazy.tsx";
import { StateCode, StatusWord, Text, TierChip, TimeLeftView, tierLabel } from "./bits.tsx";
import { useNewest } from "./newest.ts";
import { Empty, PageFrame } from "./table.tsx";

const LinePlot = lazy(() => import("../plot/line.tsx").then((m) => m.default));

const HOUR = 3600_000;
const READ_MS = 60_000;
const SHOWN = 12;
const SPANS = ["last", "8", "12", "24"] as const;
type SpanChoice = (typeof SPANS)[number];

/** When this user's last shift ended, as far as this browser knows. */
export function lastShift(user: string): number | null {
    const at = Number(preference(`shift.${user}`));
    return at > 0 ? at : null;
}

export default function ShiftPage() {
    const now = useStore(app, (s) => s.now);
    const me = useStore(app, (s) => s.me?.user ?? "");
    const last = lastShift(me);
    const [choice, setChoice] = useState<SpanChoice>(last ? "last" : "8");
    const [known, setKnown] = useState<Whole | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const hear = useNewest();
    const read = () =>
        hear(
            Promise.all([readWhole("is:open"), readWhole("is:any age:<7d")]),
            ([open, week]) => {
                const rows = new Map([...week.rows, ...open.rows].map((row) => [row.id, row]));
                setKnown({ rows: [...rows.values()], total: Math.max(open.total, week.total) });
                setFailed(null);
            },
            (err) => setFailed(sayProblem(err)),
        );
    useEffect(() => {
        void read();
        const timer = setInterval(() => !document.hidden && void read(), READ_MS);
        return () => clearInterval(timer);
    }, []);
    const since =
        choice === "last" && last ? last : now - Number(choice === "last" ? 8 : choice) * HOUR;
    const shift = known && shiftOf(known.rows, since, now, me);
    return (
        <PageFrame
            kind="shift"
            title={t("shift.title")}
            failed={failed}
            tally={t("shift.since", { at: stamp(new Date(since).toISOString()).slice(0, 16) })}
            tools={
                <>
                    <div class="choice" role="group" aria-label={t("shift.span")}>
                        {SPANS.filter((name) => name !== "last" || last).map((name) => (
                            <button
                                type="button"
                                class="toggle"
                                aria-pressed={choice === name}
                                onClick={() => setChoice(name)}
                            >
                                {name === "last"
                                    ? t("shift.last")
                                    : t("shift.hours", { n: Number(name) })}
                            </button>
                        ))}
                    </div>
                    <button
                        type="button"
                        class="primary"
                        disabled={!shift}
                        onClick={() => shift && handOver(shift, since, now)}
                    >
                        {t("shift.copy")}
                    </button>
                </>
            }
        >
            {!shift && !failed && <p class="loading">{t("page.loading")}</p>}
            {shift && known && (
                <div class="shift">
                    <div class="shift-lists">
                        {(["due", "mine", "waiting", "opened", "ended"] as const).map((part) => (
                            <Part
                                key={part}
                                part={part}
                                rows={shift[part]}
                                now={now}
                                since={since}
                            />
                        ))}
                    </div>
                    <Figures known={known} now={now} />
                </div>
            )}
        </PageFrame>
    );
}

type PartName = keyof Shift;

/** The search that shows the same in the queue, where there is one. */
const SEARCH: Record<PartName, string | null> = {
    due: "",
    mine: "is:mine",
    waiting: "is:waiting",
    opened: "age:<8h",
    ended: null,
};

function Part({
    part,
    rows,
    now,
    since,
}: {
    part: PartName;
    rows: Incident[];
    now: number;
    since: number;
}) {
    const hours = Math.max(1, Math.round((now - since) / HOUR));
    const search = part === "opened" ? `age:<${hours}h` : SEARCH[part];
    return (
        <section class={`card shift-part shift-${part}`}>
            <h2>
                <span>
                    {t(`shift.${part}`)} <span class="count">{whole(rows.length)}</span>
                </span>
                {search !== null && rows.length > 0 && (
                    <a class="aside" href={`#/queue?${new URLSearchParams({ q: search })}`}>
                        {t("shift.in-queue")}
                    </a>
                )}
            </h2>
            {rows.length === 0 ? (
                <p class="dim">{t(`shift.none-${part}`)}</p>
            ) : (
                <ul class="brief-rows">
                    {rows.slice(0, SHOWN).map((row) => (
                        <BriefRow key={row.id} row={row} now={now} />
                    ))}
                </ul>
            )}
            {rows.length > SHOWN && (
                <p class="dim">{t("shift.and-more", { n: rows.length - SHOWN })}</p>
            )}
        </section>
    );
}

export function BriefRow({ row, now }: { row: Incident; now: number }) {
    return (
        <li class="brief-row">
            <TierChip tier={row.tier} />
            <span class="brief-what">
                <span class="l1">
                    <a href={`#/incident/${encodeURIComponent(row.id)}`}>
                        <Text value={row.title} limit={200} />
                    </a>
                </span>
                <span class="l2">
                    <StateCode code={row.state} /> <span class="mono">{row.id}</span> ·{" "}
                    <Text value={row.victim} limit={80} />
                    {row.claimed_by && (
                        <>
                            {" · "}
                            <Text value={row.claimed_by} limit={40} />
                        </>
                    )}
                    {row.last_note && (
                        <>
                            {" · "}
                            <Text value={row.last_note} limit={120} />
                        </>
                    )}
                </span>
            </span>
            <span class="brief-time">
                {row.ended_at ? (
                    <>
                        <StatusWord status={row.status} />
                        <span class="l2">{clockTime(row.ended_at, now)}</span>
                    </>
                ) : (
                    <TimeLeftView row={row} now={now} />
                )}
            </span>
        </li>
    );
}

/** The hand-over as plain text: into a mail, a log book, a chat. */
export function handOverText(shift: Shift, since: number, now: number): string {
    const lines = [
        t("shift.text-head", {
            from: stamp(new Date(since).toISOString()).slice(0, 16),
            to: stamp(new Date(now).toISOString()).slice(0, 16),
        }),
    ];
    for (const part of ["due", "mine", "waiting", "opened", "ended"] as const) {
        lines.push("", `${t(`shift.${part}`)}: ${shift[part].length}`);
        for (const row of shift[part]) {
            const facts = [
                row.id,
                `T${row.tier}`,
                tMaybe(`status.${row.status}`, row.status),
                plain(row.title, 120),
                plain(row.victim, 80),
                row.claimed_by ?? t("row.unclaimed"),
                row.last_note ? plain(row.last_note, 200) : "",
            ];
            lines.push(`- ${facts.filter(Boolean).join(" | ")}`);
        }
    }
    return lines.join("\n");
}

function handOver(shift: Shift, since: number, now: number): void {
    navigator.clipboard.writeText(handOverText(shift, since, now)).then(
        () => notify("done", t("shift.copied")),
        (err) => notify("problem", sayProblem(err)),
    );
}

function Figures({ known, now }: { known: Whole; now: number }) {
    return (
        <div class="figures">
            <AlertRate />
            <Funnel rows={known.rows} />
            <OpenByAge rows={known.rows} now={now} />
            <HowFast rows={known.rows} />
            <WhereItIs rows={known.rows} />
            {known.rows.length < known.total && (
                <p class="dim">
                    {t("plot.partly", { n: known.rows.length, all: whole(known.total) })}
                </p>
            )}
        </div>
    );
}

/** Alerts a minute, and how far folding was behind: is the picture as new as it looks? */
function AlertRate() {
    const stats = useStore(app, (s) => s.stats);
    const lags = useStore(app, (s) => s.lags);
    const drawn = useMemo(() => {
        const minutes = stats?.minutes ?? [];
        const at = minutes.map(({ t: iso }) => Date.parse(iso) / 1000);
        const lag = at.map((start) => {
            const of = lags.filter((l) => l.at / 1000 >= start && l.at / 1000 < start + 60);
            return of.length ? Math.max(...of.map((l) => l.ms)) : null;
        });
        const lines = [{ name: t("plot.alerts-minute"), values: minutes.map((m) => m.alerts) }];
        return {
            at,
            lines: lags.length
                ? [...lines, { name: t("plot.lag"), values: lag, right: true }]
                : lines,
        };
    }, [stats, lags]);
    if (!stats) return null;
    return (
        <PlotCard wide title={t("plot.rate")} aside={t("plot.last-hour")}>
            <LinePlot
                label={t("plot.rate")}
                at={drawn.at}
                lines={drawn.lines}
                say={short}
                sayRight={(ms) => (ms < 10_000 ? `${Math.round(ms)} ms` : span(ms))}
                sayAt={(s) => new Date(s * 1000).toISOString().slice(11, 16)}
            />
        </PlotCard>
    );
}

/** From alerts to what a person must look at. */
function Funnel({ rows }: { rows: Incident[] }) {
    const stats = useStore(app, (s) => s.stats);
    if (!stats) return null;
    const ever = Math.round(stats.alerts_total * (1 - stats.folded_share));
    const steps = [
        { key: "alerts", value: stats.alerts_total },
        { key: "incidents", value: ever },
        { key: "open", value: stats.incidents_open },
        { key: "free", value: rows.filter((row) => isOpen(row.status) && !row.claimed_by).length },
    ] as const;
    return (
        <PlotCard
            title={t("plot.funnel")}
            aside={t("stats.folded", { share: `${(100 * stats.folded_share).toFixed(1)} %` })}
        >
            <Bars
                log
                label={t("plot.funnel")}
                bars={steps.map(({ key, value }) => ({
                    key,
                    name: t(`plot.funnel-${key}`),
                    value,
                    text: whole(value),
                }))}
            />
        </PlotCard>
    );
}

function OpenByAge({ rows, now }: { rows: Incident[]; now: number }) {
    const counts = byAge(rows, now);
    const cells = AGES.flatMap(({ key }, i) =>
        counts[i]!.map((value, tier) => ({ row: String(tier + 1), column: key, value })),
    ).filter((cell) => cell.value > 0);
    return (
        <PlotCard title={t("plot.ages")} aside={t("plot.ages-hint")}>
            <HeatMap
                label={t("plot.ages")}
                rowHead={t("tier")}
                rows={([1, 2, 3, 4] as Tier[]).map((tier) => ({
                    key: String(tier),
                    name: <TierChip tier={tier} />,
                }))}
                columns={AGES.map(({ key }) => ({
                    key,
                    name: t(`plot.age-${key}` as "plot.age-15m"),
                }))}
                cells={cells}
            />
        </PlotCard>
    );
}

/** Half, and nine in ten, were claimed within; the mark is what the tier allows. */
function HowFast({ rows }: { rows: Incident[] }) {
    const all = paces(rows);
    return (
        <PlotCard wide title={t("plot.pace")} aside={t("plot.pace-hint")}>
            {all.length === 0 ? (
                <p class="dim">{t("plot.pace-none")}</p>
            ) : (
                (["claim", "end"] as const).map((clock) => {
                    const of = all.filter((pace) => pace.clock === clock);
                    if (of.length === 0) return null;
                    const label = t(`plot.pace-${clock}`);
                    return (
                        <>
                            <h3 class="plot-sub">{label}</h3>
                            <Bars
                                log
                                label={label}
                                bars={of.map((pace) => ({
                                    key: `${pace.tier}`,
                                    name: (
                                        <span title={tierLabel(pace.tier)}>
                                            <TierChip tier={pace.tier} />
                                        </span>
                                    ),
                                    value: pace.p90,
                                    limit: pace.limit ?? undefined,
                                    bad: pace.limit !== null && pace.p90 > pace.limit,
                                    text: t("plot.pace-text", {
                                        half: span(pace.p50),
                                        most: span(pace.p90),
                                        n: pace.n,
                                    }),
                                }))}
                            />
                        </>
                    );
                })
            )}
        </PlotCard>
    );
}

/** State by class of incident; each number leads to those incidents. */
function WhereItIs({ rows }: { rows: Incident[] }) {
    const counts = matrix(rows);
    const states = [...new Set(counts.map((cell) => cell.state))].sort();
    const classes = [...new Set(counts.map((cell) => cell.rsit))].sort();
    if (counts.length === 0) return <Empty title={t("queue.empty")} />;
    return (
        <PlotCard wide title={t("plot.where")} aside={t("plot.where-hint")}>
            <HeatMap
                label={t("plot.where")}
                rowHead={t("queue.filter-state")}
                rows={states.map((code) => ({
                    key: code,
                    name: (
                        <>
                            <StateCode code={code} /> {stateName(code)}
                        </>
                    ),
                }))}
                columns={classes.map((key) => ({ key, name: tMaybe(`rsit.${key}`, key) }))}
                cells={counts.map(({ state, rsit, n }) => ({
                    row: state,
                    column: rsit,
                    value: n,
                    href: `#/queue?${new URLSearchParams({ q: `state:${state} ${rsit}` })}`,
                }))}
            />
        </PlotCard>
    );
}
