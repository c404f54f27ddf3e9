// SPDX-License-Identifier: Apache-2.0
// Sensors: who is alive, what was lost, which rules they run; enrolment, approval and revocation
// for administrators.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import type { Sensor } from "../api/types.ts";
import { bytes, grouped, short, whole } from "../format/text.ts";
import { age, span, stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { dropsOf, healthOf, sensorOrder } from "../model/sensors.ts";
import { useStore } from "../model/store.ts";
import { Stamp, StateCode, Text } from "./bits.tsx";
import { Alarms, DropPlot, LedgerCalendar, PacketsPlot, RulesetPlot } from "./health.tsx";
import { useNewest } from "./newest.ts";
import { ApproveDialog, EnrolDialog, RevokeDialog } from "./enrol.tsx";

const REFRESH_MS = 30_000;
const CERT_SOON_MS = 14 * 24 * 3600 * 1000;
const CLOCK_TOLERANCE_MS = 500;

type Asked = { kind: "enrol" } | { kind: "approve" | "revoke"; sensor: Sensor } | null;

export default function SensorsPage() {
    const changed = useStore(app, (s) => s.sensorsChanged);
    const admin = useStore(app, (s) => s.me?.role === "admin");
    const now = useStore(app, (s) => s.now);
    const [list, setList] = useState<Sensor[] | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const [open, setOpen] = useState<string | null>(null);
    const [asked, setAsked] = useState<Asked>(null);
    const hear = useNewest();
    const read = () =>
        hear(
            api.sensors(),
            (page) => {
                setList(page.items);
                setFailed(null);
            },
            (err) => setFailed(sayProblem(err)),
        );
    useEffect(() => void read(), [changed]);
    useEffect(() => {
        const timer = setInterval(() => void read(), REFRESH_MS);
        return () => clearInterval(timer);
    }, []);
    const done = () => {
        setAsked(null);
        void read();
    };
    const sorted = [...(list ?? [])].sort((a, b) => sensorOrder(a, b, now));
    return (
        <main id="content" class="sensors-page">
            <header class="page-head">
                <h1>{t("sensors.title")}</h1>
                <Tally list={sorted} now={now} />
                {admin && (
                    <button
                        type="button"
                        class="primary"
                        onClick={() => setAsked({ kind: "enrol" })}
                    >
                        {t("sensors.add")}
                    </button>
                )}
            </header>
            {failed && (
                <p class="error" role="alert">
                    {t("sensors.failed", { why: failed })}
                </p>
            )}
            {list?.length === 0 && (
                <div class="empty">
                    <p class="empty-title">{t("sensors.none")}</p>
                    <p>{t("sensors.none-hint")}</p>
                </div>
            )}
            <Alarms />
            {sorted.length > 0 && (
                <Table
                    list={sorted}
                    now={now}
                    admin={admin}
                    open={open}
                    onOpen={setOpen}
                    onAsk={setAsked}
                />
            )}
            {sorted.length > 0 && (
                <div class="figures">
                    <DropPlot list={sorted} />
                    <RulesetPlot list={sorted} />
                    <PacketsPlot list={sorted} now={now} />
                </div>
            )}
            {asked?.kind === "enrol" && <EnrolDialog onClose={done} />}
            {asked?.kind === "approve" && <ApproveDialog sensor={asked.sensor} onClose={done} />}
            {asked?.kind === "revoke" && <RevokeDialog sensor={asked.sensor} onClose={done} />}
        </main>
    );
}

function Tally({ list, now }: { list: Sensor[]; now: number }) {
    const of = (health: string) => list.filter((sensor) => healthOf(sensor, now) === health).length;
    return (
        <p class="tally" role="status">
            {(["live", "silent", "pending"] as const)
                .filter((health) => health === "live" || of(health) > 0)
                .map((health) => (
                    <span class={`health health-${health}`}>
                        {of(health)} {t(`sensor.${health}`)}
                    </span>
                ))}
        </p>
    );
}

interface TableProps {
    list: Sensor[];
    now: number;
    admin: boolean;
    open: string | null;
    onOpen: (id: string | null) => void;
    onAsk: (asked: Asked) => void;
}

const COLUMNS = [
    "name",
    "status",
    "seen",
    "alert",
    "loss",
    "drops",
    "ruleset",
    "clock",
    "cert",
    "version",
] as const;

function Table({ list, now, admin, open, onOpen, onAsk }: TableProps) {
    const same = (sensor: Sensor) =>
        list.filter((other) => other.ruleset === sensor.ruleset && other.status === "active")
            .length;
    return (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("sensors.title")}>
            <table class="table sensors">
                <thead>
                    <tr>
                        {COLUMNS.map((column) => (
                            <th scope="col">{t(`sensors.${column}`)}</th>
                        ))}
                    </tr>
                </thead>
                {list.map((sensor) => (
                    <tbody key={sensor.id} class={open === sensor.id ? "open" : ""}>
                        <SensorRow
                            sensor={sensor}
                            now={now}
                            same={same(sensor)}
                            open={open === sensor.id}
                            onOpen={onOpen}
                        />
                        {open === sensor.id && (
                            <tr class="sensor-more">
                                <td colSpan={COLUMNS.length}>
                                    <Details sensor={sensor} admin={admin} onAsk={onAsk} />
                                </td>
                            </tr>
                        )}
                    </tbody>
                ))}
            </table>
        </div>
    );
}

interface RowProps {
    sensor: Sensor;
    now: number;
    same: number;
    open: boolean;
    onOpen: (id: string | null) => void;
}

function SensorRow({ sensor, now, same, open, onOpen }: RowProps) {
    const health = healthOf(sensor, now);
    const drops = dropsOf(sensor);
    return (
        <tr onClick={() => onOpen(open ? null : sensor.id)}>
            <th scope="row">
                <button
                    type="button"
                    class="link"
                    aria-expanded={open}
                    aria-label={t("sensors.details", { name: sensor.name })}
                >
                    <span class="twist" aria-hidden="true">
                        {open ? "▾" : "▸"}
                    </span>{" "}
                    <Text value={sensor.name} limit={80} />
                </button>
                <span class="sub">
                    {sensor.states.map((code) => (
                        <StateCode code={code} />
                    ))}{" "}
                    <Text value={sensor.site} limit={80} />
                </span>
            </th>
            <td>
                <span class={`health health-${health}`}>{t(`sensor.${health}`)}</span>
            </td>
            <td class={health === "silent" ? "bad" : ""}>{ago(sensor.last_seen, now)}</td>
            <td>
                {ago(sensor.last_alert, now)}
                {sensor.last_self_test && (
                    <span class="sub">
                        {t("sensors.self-test", { age: age(sensor.last_self_test, now) })}
                    </span>
                )}
            </td>
            <td class={sensor.lost > 0 ? "bad" : ""}>
                {t(sensor.lost > 0 ? "sensors.loss-some" : "sensors.loss-none", {
                    lost: whole(sensor.lost),
                    n: whole(sensor.raised),
                })}
                {sensor.late > 0 && (
                    <span class="sub">{t("sensors.late", { n: whole(sensor.late) })}</span>
                )}
            </td>
            <td class={drops.share > 0.001 ? "bad" : ""}>
                {drops.total === 0 ? t("sensors.drops-none") : short(drops.total)}
                {drops.total > 0 && (
                    <span class="sub">
                        {drops.share >= 0.0001 && `${(100 * drops.share).toFixed(2)} % · `}
                        <Text value={drops.worst} limit={40} />
                    </span>
                )}
            </td>
            <td class="mono">
                <Text value={sensor.ruleset?.slice(0, 16) ?? "–"} />
                {sensor.ruleset && (
                    <span class={same > 1 ? "sub" : "sub odd"}>
                        {t(same > 1 ? "sensors.same-ruleset" : "sensors.odd-ruleset", { n: same })}
                    </span>
                )}
            </td>
            <td class={Math.abs(sensor.clock_offset_ms ?? 0) > CLOCK_TOLERANCE_MS ? "bad" : ""}>
                {sensor.clock_offset_ms === null
                    ? "–"
                    : `${sensor.clock_offset_ms < 0 ? "−" : "+"}${whole(Math.abs(sensor.clock_offset_ms))} ms`}
            </td>
            <CertCell expires={sensor.cert_expires} now={now} />
            <td>
                <Text value={sensor.version ?? "–"} limit={40} />
            </td>
        </tr>
    );
}

const ago = (iso: string | null, now: number) =>
    iso ? (
        <time dateTime={iso} title={`${stamp(iso)} UTC`}>
            {age(iso, now)}
        </time>
    ) : (
        t("sensors.never")
    );

function CertCell({ expires, now }: { expires: string | null; now: number }) {
    if (!expires) return <td>–</td>;
    const left = Date.parse(expires) - now;
    return (
        <td class={left < CERT_SOON_MS ? "bad" : ""} title={`${stamp(expires)} UTC`}>
            {left > 0 ? t("sensors.cert-left", { span: span(left) }) : t("sensors.cert-over")}
        </td>
    );
}

function Details({
    sensor,
    admin,
    onAsk,
}: {
    sensor: Sensor;
    admin: boolean;
    onAsk: (asked: Asked) => void;
}) {
    const drops = Object.entries(sensor.drops)
        .filter(([, n]) => n > 0)
        .sort((a, b) => b[1] - a[1]);
    return (
        <div class="sensor-details">
            <section>
                <h2>{t("sensors.lanes")}</h2>
                <table class="table small">
                    <thead>
                        <tr>
                            <th scope="col">{t("sensors.lane")}</th>
                            <th scope="col" class="num">
                                {t("sensors.raised")}
                            </th>
                            <th scope="col" class="num">
                                {t("sensors.committed")}
                            </th>
                            <th scope="col" class="num">
                                {t("sensors.behind")}
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {sensor.lanes.map((lane) => (
                            <tr>
                                <th scope="row" class="mono">
                                    <Text value={lane.lane} limit={40} />
                                </th>
                                <td class="num">{whole(lane.raised)}</td>
                                <td class="num">{whole(lane.committed)}</td>
                                <td class="num">
                                    {whole(Math.max(0, lane.raised - lane.committed))}
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </section>
            <section>
                <h2>{t("sensors.drop-reasons")}</h2>
                <dl class="fields">
                    {drops.length === 0 && (
                        <>
                            <dt>{t("sensors.drops-none")}</dt>
                            <dd>0</dd>
                        </>
                    )}
                    {drops.map(([reason, n]) => (
                        <>
                            <dt class="mono">
                                <Text value={reason} limit={80} />
                            </dt>
                            <dd>{whole(n)}</dd>
                        </>
                    ))}
                </dl>
            </section>
            <section>
                <h2>{t("sensors.traffic")}</h2>
                <dl class="fields">
                    <dt>{t("sensors.traffic")}</dt>
                    <dd>
                        {t("sensors.packets", { n: short(sensor.packets) })}, {bytes(sensor.bytes)}
                    </dd>
                    <dt>{t("sensors.seen")}</dt>
                    <dd>
                        <Stamp iso={sensor.last_seen} />
                    </dd>
                    <dt>{t("sensors.epoch")}</dt>
                    <dd class="mono">
                        <Text value={sensor.epoch ?? "–"} limit={64} />
                    </dd>
                    <dt>{t("sensors.channels")}</dt>
                    <dd>
                        <Text
                            value={
                                Object.entries(sensor.channel_versions)
                                    .map(([name, v]) => `${name} ${v}`)
                                    .join(", ") || "–"
                            }
                        />
                    </dd>
                    <dt>{t("sensors.fingerprint")}</dt>
                    <dd class="mono fingerprint">
                        {sensor.fingerprint ? grouped(sensor.fingerprint) : "–"}
                    </dd>
                </dl>
            </section>
            {sensor.shed !== undefined && sensor.status === "active" && (
                <section class="whole">
                    <h2>{t("plot.ledger")}</h2>
                    <LedgerCalendar key={sensor.id} sensor={sensor} />
                </section>
            )}
            {admin && (
                <p class="buttons">
                    {sensor.status === "pending" && (
                        <button
                            type="button"
                            class="primary"
                            onClick={() => onAsk({ kind: "approve", sensor })}
                        >
                            {t("sensors.approve")}
                        </button>
                    )}
                    {sensor.status !== "revoked" && (
                        <button
                            type="button"
                            class="danger"
                            onClick={() => onAsk({ kind: "revoke", sensor })}
                        >
                            {t("sensors.revoke")}
                        </button>
                    )}
                </p>
            )}
        </div>
    );
}
