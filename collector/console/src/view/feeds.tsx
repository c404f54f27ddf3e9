// SPDX-License-Identifier: Apache-2.0
// Feeds: which version of which partner is published and where it runs, and what decisions said of
// their rules: whether to keep a rule, and whom to write to about it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { readWhole, type Whole } from "../api/incidents.ts";
import { addFeed, feeds, type Feed } from "../api/registry.ts";
import type { Sensor } from "../api/types.ts";
import { bytes, plain, whole } from "../format/text.ts";
import { age, span, stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { feedTrends, ruleScores } from "../model/shift.ts";
import { useStore } from "../model/store.ts";
import { PlotCard } from "../plot/frame.tsx";
import { Scatter } from "../plot/svg.tsx";
import { Text } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Field, useSubmit } from "./form.tsx";
import { lazy } from "./lazy.tsx";
import { ListedTable, PageFrame, useListed, type Column } from "./table.tsx";

const LinePlot = lazy(() => import("../plot/line.tsx").then((m) => m.default));
const EXPIRES_SOON_MS = 7 * 24 * 3600_000;
const WEEKS = 12;
const RULES_SHOWN = 200;
const FEEDS_SHOWN = 5;

export default function FeedsPage() {
    const { now, me } = useStore(app, (s) => s);
    const list = useListed("", feeds);
    const [sensors, setSensors] = useState<Sensor[]>([]);
    const [adding, setAdding] = useState(false);
    useEffect(
        () =>
            void api.sensors().then(
                (page) => setSensors(page.items.filter((one) => one.status === "active")),
                () => {}, // without them the column says nothing
            ),
        [],
    );
    const columns: Column<Feed>[] = [
        {
            head: t("feeds.channel"),
            cell: (row) => (
                <>
                    <Text value={row.name} limit={60} />
                    <span class="sub">
                        <Text value={row.partner} limit={60} />
                    </span>
                </>
            ),
        },
        {
            head: t("feeds.version"),
            num: true,
            cell: (row) => (row.version ? String(row.version) : t("feeds.none-yet")),
        },
        {
            head: t("feeds.published"),
            cell: (row) =>
                row.published_at ? (
                    <span title={`${stamp(row.published_at)} UTC`}>
                        {t("feeds.ago", { span: age(row.published_at, now) })}
                        <span class="sub">{bytes(row.size)}</span>
                    </span>
                ) : (
                    "–"
                ),
        },
        { head: t("feeds.expires"), cell: (row) => <Expiry at={row.expires} now={now} /> },
        { head: t("feeds.rollout"), cell: (row) => <Rollout feed={row} sensors={sensors} /> },
        {
            head: t("feeds.digest"),
            wide: true,
            cell: (row) => <span class="mono">{row.blake2b?.slice(0, 16) ?? "–"}</span>,
        },
        {
            head: t("feeds.key"),
            wide: true,
            cell: (row) => (
                <span class="mono">
                    <Text value={row.key} limit={60} />
                </span>
            ),
        },
    ];
    return (
        <PageFrame
            kind="feeds"
            title={t("nav.feeds")}
            failed={list.failed}
            tools={
                me?.role === "admin" && (
                    <button type="button" class="primary" onClick={() => setAdding(true)}>
                        {t("feeds.add")}
                    </button>
                )
            }
        >
            <ListedTable
                list={list}
                label={t("nav.feeds")}
                empty={t("feeds.none")}
                hint={t("feeds.none-hint")}
                columns={columns}
                keyOf={(row) => row.name}
            />
            <Scores />
            {adding && (
                <AddDialog
                    onClose={() => {
                        setAdding(false);
                        list.reload();
                    }}
                />
            )}
        </PageFrame>
    );
}

function Expiry({ at, now }: { at: string | null; now: number }) {
    if (!at) return <>–</>;
    const left = Date.parse(at) - now;
    return (
        <span class={left < EXPIRES_SOON_MS ? "bad" : ""} title={`${stamp(at)} UTC`}>
            {left < 0 && <span aria-hidden="true">▲ </span>}
            {left < 0 ? t("feeds.expired") : t("sensors.cert-left", { span: span(left) })}
        </span>
    );
}

/** On how many of the sensors that load this channel its newest version runs. */
function Rollout({ feed, sensors }: { feed: Feed; sensors: Sensor[] }) {
    const loading = sensors.filter((one) => feed.name in one.channel_versions);
    if (!feed.version || loading.length === 0) return <>–</>;
    const newest = loading.filter((one) => Number(one.channel_versions[feed.name]) >= feed.version);
    const late = loading.filter((one) => !newest.includes(one));
    return (
        <span class={late.length ? "warn" : ""}>
            {t("feeds.on", { n: newest.length, all: loading.length })}
            {late.length > 0 && (
                <span class="sub">
                    {t("feeds.not-on", {
                        names: plain(late.map((one) => one.name).join(", "), 80),
                    })}
                </span>
            )}
        </span>
    );
}

/** Decisions of the last weeks, as precision of rules and of feeds. */
function Scores() {
    const [known, setKnown] = useState<Whole | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    useEffect(
        () =>
            void readWhole(`is:any -is:open age:<${WEEKS * 7}d`).then(setKnown, (err) =>
                setFailed(sayProblem(err)),
            ),
        [],
    );
    const rules = useMemo(() => ruleScores(known?.rows ?? []).slice(0, RULES_SHOWN), [known]);
    const trend = useMemo(() => trendLines(known), [known]);
    if (failed)
        return (
            <p class="error" role="alert">
                {t("feeds.scores-failed", { why: failed })}
            </p>
        );
    if (!known) return null;
    if (rules.length === 0) return <p class="dim">{t("feeds.no-outcomes")}</p>;
    return (
        <div class="figures">
            <PlotCard title={t("plot.precision-volume")} aside={t("plot.precision-hint")}>
                <Scatter
                    label={t("plot.precision-volume")}
                    points={rules.map((rule) => ({
                        name: plain(rule.name, 120),
                        x: rule.alerts,
                        // Shrunk as the score does it, so that one outcome is no verdict.
                        y: (rule.right + 1) / (rule.right + rule.wrong + 2),
                        n: rule.right + rule.wrong,
                    }))}
                />
            </PlotCard>
            {trend.lines.length > 0 && (
                <PlotCard title={t("plot.feed-trend")} aside={t("plot.feed-trend-hint")}>
                    <LinePlot
                        label={t("plot.feed-trend")}
                        at={trend.at}
                        lines={trend.lines}
                        height={235}
                        say={(value) => `${Math.round(value)} %`}
                        sayAt={(s) => new Date(s * 1000).toISOString().slice(5, 10)}
                    />
                </PlotCard>
            )}
            {known.rows.length < known.total && (
                <p class="dim">
                    {t("plot.partly", { n: known.rows.length, all: whole(known.total) })}
                </p>
            )}
        </div>
    );
}

function trendLines(known: Whole | null) {
    const now = Date.now();
    const week = 7 * 24 * 3600;
    const at = Array.from({ length: WEEKS }, (_, i) => Math.floor(now / 1000) - (WEEKS - i) * week);
    const lines = feedTrends(known?.rows ?? [], WEEKS, now)
        .slice(0, FEEDS_SHOWN)
        .map(({ feed, shares }) => ({
            name: plain(feed, 40),
            values: shares.map((share) => (share === null ? null : 100 * share)),
        }));
    return { at, lines };
}

function AddDialog({ onClose }: { onClose: () => void }) {
    const [name, setName] = useState("");
    const [partner, setPartner] = useState("");
    const [key, setKey] = useState("");
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await addFeed({
                name: name.trim(),
                partner: partner.trim() || name.trim(),
                key: key.trim(),
            });
            onClose();
        });
    };
    return (
        <Dialog title={t("feeds.add")} onClose={onClose}>
            <form class="form" onSubmit={send}>
                <Field label={t("feeds.channel")} value={name} onValue={setName} required focus />
                <Field label={t("feeds.partner")} value={partner} onValue={setPartner} />
                <Field
                    label={t("feeds.key")}
                    value={key}
                    onValue={setKey}
                    hint={t("feeds.key-hint")}
                    required
                />
                <p class="dim">{t("feeds.publish-hint")}</p>
                <Buttons busy={busy} failed={failed} submit={t("feeds.add")} onClose={onClose} />
            </form>
        </Dialog>
    );
}
