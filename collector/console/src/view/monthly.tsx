// SPDX-License-Identifier: Apache-2.0
// A state's month at a glance: what came, what became of it, and how long each clock ran.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import type { Tier } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { span } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { sayProblem } from "../model/desk.ts";
import { Bars } from "../plot/bars.tsx";
import { PlotCard } from "../plot/frame.tsx";
import { TierChip } from "./bits.tsx";

interface Clock {
    count: number;
    /** Seconds. */
    p50: number | null;
    p90: number | null;
}

interface Report {
    incidents: number;
    alerts: number;
    by_class: Record<string, number>;
    by_tier: Record<string, number>;
    by_outcome: Record<string, number>;
    by_status: Record<string, number>;
    clocks: Record<string, Clock>;
}

export function Monthly({ state, month }: { state: string; month: string }) {
    const [report, setReport] = useState<Report | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    useEffect(() => {
        let live = true;
        setReport(null);
        setFailed(null);
        const path = `/reports/${encodeURIComponent(state)}/${encodeURIComponent(month)}`;
        api.read<Report>(path, { format: "json" }).then(
            (found) => live && setReport(found),
            (err) => live && setFailed(sayProblem(err)),
        );
        return () => void (live = false);
    }, [state, month]);
    if (failed)
        return (
            <p class="error" role="alert">
                {failed}
            </p>
        );
    if (!report) return <p class="loading">{t("page.loading")}</p>;
    const clocks = Object.entries(report.clocks).filter(([, clock]) => clock.count > 0);
    return (
        <div class="figures">
            <PlotCard
                title={t("report.came")}
                aside={t("report.sum", {
                    n: report.incidents,
                    alerts: whole(report.alerts),
                })}
            >
                <Counted label={t("report.came")} of={report.by_class} name="rsit" />
            </PlotCard>
            <PlotCard title={t("tier")}>
                <Bars
                    label={t("tier")}
                    bars={([1, 2, 3, 4] as Tier[]).map((tier) => ({
                        key: String(tier),
                        name: <TierChip tier={tier} />,
                        value: report.by_tier[tier] ?? 0,
                        text: whole(report.by_tier[tier] ?? 0),
                    }))}
                />
            </PlotCard>
            <PlotCard title={t("report.became")}>
                <Counted label={t("report.became")} of={report.by_status} name="status" />
            </PlotCard>
            <PlotCard title={t("report.outcomes")}>
                <Counted label={t("report.outcomes")} of={report.by_outcome} name="outcome" />
            </PlotCard>
            <PlotCard title={t("report.clocks")} wide>
                {clocks.length === 0 ? (
                    <p class="dim">{t("report.clocks-none")}</p>
                ) : (
                    <Bars
                        log
                        label={t("report.clocks")}
                        bars={clocks.map(([key, clock]) => ({
                            key,
                            name: tMaybe(`clock.${key}`, key),
                            value: clock.p90 ?? 0,
                            text: t("plot.pace-text", {
                                half: span(1000 * (clock.p50 ?? 0)),
                                most: span(1000 * (clock.p90 ?? 0)),
                                n: clock.count,
                            }),
                        }))}
                    />
                )}
            </PlotCard>
        </div>
    );
}

function Counted({
    label,
    of,
    name,
}: {
    label: string;
    of: Record<string, number>;
    name: "rsit" | "status" | "outcome";
}) {
    const rows = Object.entries(of).sort((a, b) => b[1] - a[1]);
    if (rows.length === 0) return <p class="dim">{t("report.nothing")}</p>;
    return (
        <Bars
            label={label}
            bars={rows.map(([key, n]) => ({
                key,
                name: tMaybe(`${name}.${key}`, key),
                value: n,
                text: whole(n),
            }))}
        />
    );
}
