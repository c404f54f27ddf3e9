// SPDX-License-Identifier: Apache-2.0
// What the sensors page says beyond its table: alarms, how much capture loses where, which rule
// sets run, and a sensor's ledger hour by hour.
import { useEffect, useState } from "preact/hooks";
import { alarms, ledger, type Alarm, type Ledger, type LedgerHour } from "../api/registry.ts";
import type { Sensor } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { age, span, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, served } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { dropsOf } from "../model/sensors.ts";
import { useStore } from "../model/store.ts";
import { Bars, HourCalendar, type HourKind } from "../plot/bars.tsx";
import { PlotCard } from "../plot/frame.tsx";
import { StateCode, Text } from "./bits.tsx";
import { useNewest } from "./newest.ts";
import { useListed } from "./table.tsx";

const DAY = 24 * 3600_000;
const LEDGER_DAYS = 7;
/** Beyond this share of lost packets detection has holes that matter. */
const DROP_LIMIT = 0.001;

export function Alarms() {
    const { me, now } = useStore(app, (s) => s);
    return served(me, "alarms") ? <AlarmList now={now} /> : null;
}

function AlarmList({ now }: { now: number }) {
    const list = useListed("", () => alarms("true"));
    if (list.failed)
        return (
            <p class="error" role="alert">
                {t("alarms.failed", { why: list.failed })}
            </p>
        );
    if (!list.items) return null;
    if (list.items.length === 0) return <p class="good">✓ {t("alarms.none")}</p>;
    const sorted = [...list.items].sort(
        (a, b) => a.severity - b.severity || Date.parse(a.since) - Date.parse(b.since),
    );
    return (
        <section class="card alarms" aria-label={t("alarms.title")}>
            <h2>
                {t("alarms.title")} <span class="count">{sorted.length}</span>
            </h2>
            <ul class="plain-rows">
                {sorted.map((alarm) => (
                    <AlarmRow key={alarm.id} alarm={alarm} now={now} />
                ))}
            </ul>
        </section>
    );
}

function AlarmRow({ alarm, now }: { alarm: Alarm; now: number }) {
    return (
        <li class={`alarm alarm-${alarm.severity}`}>
            <strong>
                <span aria-hidden="true">{alarm.severity === 1 ? "▲" : "◆"} </span>
                {tMaybe(`alarm.${alarm.kind}`, alarm.kind)}
            </strong>
            <span class="grow">
                <Text value={alarm.text} limit={300} />
            </span>
            {alarm.states.map((code) => (
                <StateCode code={code} />
            ))}
            <span class="dim nowrap" title={`${stamp(alarm.since)} UTC`}>
                {t("alarms.since", { span: age(alarm.since, now) })}
            </span>
        </li>
    );
}

/** Packets lost before inspection, by sensor: where a rule that stays silent proves nothing. */
export function DropPlot({ list }: { list: Sensor[] }) {
    const live = list.filter((sensor) => sensor.status === "active" && sensor.packets > 0);
    if (live.length === 0) return null;
    const bars = live
        .map((sensor) => ({ sensor, share: dropsOf(sensor).share }))
        .sort((a, b) => b.share - a.share);
    return (
        <PlotCard title={t("plot.drops")} aside={t("plot.drops-hint")}>
            <Bars
                label={t("plot.drops")}
                bars={bars.map(({ sensor, share }) => ({
                    key: sensor.id,
                    name: <Text value={sensor.name} limit={60} />,
                    value: share,
                    limit: DROP_LIMIT,
                    bad: share > DROP_LIMIT,
                    text: `${(100 * share).toFixed(share && share < 0.0001 ? 4 : 2)} %`,
                }))}
            />
        </PlotCard>
    );
}

/** How far back the packets reach that each sensor keeps: what has to be fetched before it goes. */
export function PacketsPlot({ list, now }: { list: Sensor[]; now: number }) {
    const bars = list
        .filter((sensor) => sensor.status === "active" && sensor.evidence_since)
        .map((sensor) => ({ sensor, kept: now - Date.parse(sensor.evidence_since ?? "") }))
        .filter(({ kept }) => kept >= 0)
        .sort((a, b) => a.kept - b.kept);
    if (bars.length === 0) return null;
    return (
        <PlotCard title={t("plot.packets")} aside={t("plot.packets-hint")}>
            <Bars
                label={t("plot.packets")}
                bars={bars.map(({ sensor, kept }) => ({
                    key: sensor.id,
                    name: <Text value={sensor.name} limit={60} />,
                    value: kept,
                    bad: kept < DAY,
                    text: span(kept),
                }))}
            />
        </PlotCard>
    );
}

/** How many sensors run which rule set: one bar is what is wanted. */
export function RulesetPlot({ list }: { list: Sensor[] }) {
    const counts = new Map<string, number>();
    for (const { status, ruleset } of list)
        if (status === "active" && ruleset) counts.set(ruleset, (counts.get(ruleset) ?? 0) + 1);
    if (counts.size === 0) return null;
    const sorted = [...counts].sort((a, b) => b[1] - a[1]);
    return (
        <PlotCard title={t("plot.rulesets")} aside={t("plot.rulesets-n", { n: counts.size })}>
            <Bars
                label={t("plot.rulesets")}
                bars={sorted.map(([hash, n], i) => ({
                    key: hash,
                    name: (
                        <span class="mono">
                            <Text value={hash.slice(0, 16)} />
                        </span>
                    ),
                    value: n,
                    bad: i > 0,
                    text: t("sensors.n", { n }),
                }))}
            />
        </PlotCard>
    );
}

/** Seven days of a sensor's ledger: an hour that lost something stands out, and says how much. */
export function LedgerCalendar({ sensor }: { sensor: Sensor }) {
    const hear = useNewest();
    const [known, setKnown] = useState<Ledger | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const now = useStore(app, (s) => Math.floor(s.now / 60_000) * 60_000);
    useEffect(() => {
        const from = new Date(Math.floor(Date.now() / DAY) * DAY - (LEDGER_DAYS - 1) * DAY);
        void hear(ledger(sensor.id, from.toISOString()), setKnown, (err) =>
            setFailed(sayProblem(err)),
        );
    }, [sensor.id]);
    if (failed)
        return (
            <p class="error" role="alert">
                {t("plot.ledger-failed", { why: failed })}
            </p>
        );
    if (!known) return <p class="loading">{t("page.loading")}</p>;
    return (
        <>
            <HourCalendar label={t("plot.ledger")} days={calendar(known.items, now)} />
            <p class="dim">
                {t("plot.ledger-sum", {
                    received: whole(known.sum.received),
                    late: whole(known.sum.late),
                    lost: whole(known.sum.lost),
                    shed: whole(known.sum.shed),
                })}
            </p>
        </>
    );
}

type Sums = Pick<LedgerHour, "received" | "late" | "lost" | "shed">;

/** All states of a sensor together, by UTC day and hour. */
export function calendar(
    items: LedgerHour[],
    now: number,
): { day: string; hours: { kind: HourKind; text: string }[] }[] {
    const sums = new Map<string, Sums>();
    for (const item of items) {
        const key = new Date(item.hour).toISOString().slice(0, 13);
        const sum = sums.get(key) ?? { received: 0, late: 0, lost: 0, shed: 0 };
        for (const part of ["received", "late", "lost", "shed"] as const) sum[part] += item[part];
        sums.set(key, sum);
    }
    const today = Math.floor(now / DAY) * DAY;
    return Array.from({ length: LEDGER_DAYS }, (_, back) => {
        const start = today - back * DAY;
        const day = new Date(start).toISOString().slice(0, 10);
        const hours = Array.from({ length: 24 }, (_, hour) => {
            const key = `${day}T${String(hour).padStart(2, "0")}`;
            const future = start + hour * 3600_000 > now;
            return hourOf(key, future ? "future" : sums.get(key));
        });
        return { day, hours };
    });
}

function hourOf(key: string, sum: Sums | "future" | undefined): { kind: HourKind; text: string } {
    const at = `${key.slice(11)}:00`;
    if (sum === "future") return { kind: "unknown", text: "" };
    if (!sum) return { kind: "none", text: t("plot.hour-none", { at }) };
    const gone = sum.lost + sum.shed;
    const text = t("plot.hour", {
        at,
        received: whole(sum.received),
        lost: whole(gone),
        late: whole(sum.late),
    });
    if (gone > 0) return { kind: "lost", text };
    if (sum.received === 0) return { kind: "none", text };
    return { kind: sum.late > 0 ? "late" : "good", text };
}
