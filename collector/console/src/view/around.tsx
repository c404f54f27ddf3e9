// SPDX-License-Identifier: Apache-2.0
// What stands around an incident: the same victim's others, what it is linked to, whom we told, and
// what is done against it.
import { useEffect, useState } from "preact/hooks";
import { api, fileAt } from "../api/client.ts";
import {
    addCountermeasure,
    countermeasures,
    draftNotice,
    moveCountermeasure,
    notices,
    type Countermeasure,
    type Notice,
} from "../api/notices.ts";
import type { Incident, IncidentDetail } from "../api/types.ts";
import { clockTime, later, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, mayDecide, served } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { FORMATS } from "../model/outcomes.ts";
import { toQuery } from "../model/search.ts";
import { useStore } from "../model/store.ts";
import { Stamp, StatusWord, Text, TierChip, TlpLabel } from "./bits.tsx";
import { Card } from "./card.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Failed, Field, Select, useSubmit } from "./form.tsx";
import { useNewest } from "./newest.ts";
import { NoticeView } from "./notice.tsx";

const VICTIM_SHOWN = 6;
const VICTIM_DAYS = 30;

const quoted = (text: string): string => `"${text.replace(/"/g, "")}"`;

/** Other incidents of the last thirty days on this host. */
export function SameVictim({ row }: { row: Incident }) {
    const now = useStore(app, (s) => s.now);
    const [list, setList] = useState<Incident[] | null>(null);
    const [total, setTotal] = useState(0);
    const q = `is:any age:<${VICTIM_DAYS}d host:${quoted(row.victim)}`;
    useEffect(() => {
        let live = true;
        if (!row.victim) return;
        api.incidents(toQuery(q), null).then(
            (page) => {
                if (!live) return;
                setList(page.items.filter(({ id }) => id !== row.id));
                setTotal(Math.max(0, page.total - 1));
            },
            () => {}, // a help, not a duty: the card stays away
        );
        return () => void (live = false);
    }, [row.id, row.victim]);
    if (!list) return null;
    return (
        <Card kind="victim" title={t("incident.same-victim")} aside={total || undefined}>
            {list.length === 0 ? (
                <p class="dim">{t("incident.same-victim-none")}</p>
            ) : (
                <ul class="plain-rows">
                    {list.slice(0, VICTIM_SHOWN).map((other) => (
                        <li key={other.id}>
                            <TierChip tier={other.tier} />
                            <a class="grow" href={`#/incident/${encodeURIComponent(other.id)}`}>
                                <Text value={other.title} limit={160} />
                            </a>
                            <StatusWord status={other.status} />
                            <span class="dim nowrap">{clockTime(other.last_seen, now)}</span>
                        </li>
                    ))}
                </ul>
            )}
            {total > VICTIM_SHOWN && (
                <p>
                    <a href={`#/queue?${new URLSearchParams({ q })}`}>
                        {t("incident.same-victim-all", { n: total })}
                    </a>
                </p>
            )}
        </Card>
    );
}

/** What it follows, what was merged, in which campaigns it stands. */
export function Links({ detail }: { detail: IncidentDetail }) {
    const me = useStore(app, (s) => s.me);
    const links: { word: string; href: string; name: string }[] = [];
    const incident = (word: string, id: string) =>
        links.push({ word, href: `#/incident/${encodeURIComponent(id)}`, name: id });
    if (detail.follows) incident(t("link.follows"), detail.follows);
    if (detail.merged_into) incident(t("link.merged-into"), detail.merged_into);
    for (const id of detail.merged ?? []) incident(t("link.merged"), id);
    if (served(me, "campaigns"))
        for (const id of detail.campaigns ?? [])
            links.push({
                word: t("link.campaign"),
                href: `#/campaigns/${encodeURIComponent(id)}`,
                name: id,
            });
    if (links.length === 0 && !(detail.states_seen > 1)) return null;
    return (
        <Card kind="links" title={t("incident.links")}>
            {detail.states_seen > 1 && <p>{t("row.states-hint", { n: detail.states_seen })}</p>}
            <ul class="plain-rows">
                {links.map((link) => (
                    <li>
                        <span>{link.word}</span>
                        <a class="mono" href={link.href}>
                            {link.name}
                        </a>
                    </li>
                ))}
            </ul>
        </Card>
    );
}

/** What was told to whom about this incident, and the draft of the next word. */
export function Notices({ row }: { row: Incident }) {
    const me = useStore(app, (s) => s.me);
    const may = mayDecide(me);
    const [list, setList] = useState<Notice[] | null>(null);
    const [open, setOpen] = useState<Notice | null>(null);
    const [busy, failed, submit] = useSubmit();
    const serves = served(me, "notifications");
    const hear = useNewest();
    const read = () =>
        hear(
            notices({ incident: row.id }),
            (page) => setList(page.items),
            () => {}, // what was read stays, and with it the notice that is being written
        );
    useEffect(() => {
        if (serves) void read();
    }, [row.id, row.version, serves]);
    if (!serves || !list) return null;
    const draft = () =>
        submit(async () => {
            setOpen(await draftNotice(row.id));
            await read();
        });
    const told = ["confirmed", "handling", "resolved"].includes(row.status);
    return (
        <Card kind="notices" title={t("incident.notices")} aside={list.length || undefined}>
            {list.length === 0 && <p class="dim">{t("incident.notices-none")}</p>}
            <ul class="plain-rows">
                {list.map((one) => (
                    <li key={one.id}>
                        <button type="button" class="link grow" onClick={() => setOpen(one)}>
                            <Text value={one.subject} limit={160} />
                        </button>
                        <Text value={one.contact_name} limit={60} />
                        <TlpLabel tlp={one.tlp} />
                        <span class="dim">{t(`notice.status-${one.status}`)}</span>
                    </li>
                ))}
            </ul>
            {may && told && (
                <p>
                    <button type="button" disabled={busy} onClick={draft}>
                        {t("notice.draft")}
                    </button>
                </p>
            )}
            <Failed why={failed} />
            {open && (
                <Dialog
                    title={t("notice.title", { id: row.id })}
                    onClose={() => setOpen(null)}
                    wide
                >
                    <NoticeView
                        one={open}
                        onChanged={(changed) => {
                            setOpen(changed);
                            void read();
                        }}
                    />
                </Dialog>
            )}
        </Card>
    );
}

const EXPIRY_DAYS = ["1", "7", "30", "90"] as const;

export function Countermeasures({ row }: { row: Incident }) {
    const me = useStore(app, (s) => s.me);
    const may = mayDecide(me);
    const [list, setList] = useState<Countermeasure[] | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const [adding, setAdding] = useState(false);
    const serves = served(me, "countermeasures");
    const hear = useNewest();
    const read = () =>
        hear(
            countermeasures(row.id),
            (page) => setList(page.items),
            () => {}, // what was read stays, and with it what is being written
        );
    useEffect(() => {
        if (serves) void read();
    }, [row.id, serves]);
    if (!serves || !list) return null;
    const move = (one: Countermeasure, to: string) =>
        moveCountermeasure(one, to).then(
            () => {
                setFailed(null);
                void read();
            },
            (err) => setFailed(sayProblem(err)),
        );
    return (
        <Card kind="measures" title={t("measure.title")} aside={list.length || undefined}>
            {list.length === 0 && <p class="dim">{t("measure.none")}</p>}
            <ul class="plain-rows">
                {list.map((one) => (
                    <li key={one.id}>
                        <span class="grow">
                            <Text value={one.text} limit={400} />
                            <span class="sub">
                                <Text value={[one.target, one.by].filter(Boolean).join(" · ")} />
                                {one.expires_at &&
                                    ` · ${t("measure.until", { at: stamp(one.expires_at).slice(0, 16) })}`}
                            </span>
                        </span>
                        <strong>{t(`measure.${one.status}`)}</strong>
                        {may &&
                            one.allowed.map((to) => (
                                <button type="button" onClick={() => void move(one, to)}>
                                    {tMaybe(`measure.to-${to}`, to)}
                                </button>
                            ))}
                    </li>
                ))}
            </ul>
            <Failed why={failed} />
            {may && !adding && (
                <p>
                    <button type="button" onClick={() => setAdding(true)}>
                        {t("measure.add")}
                    </button>
                </p>
            )}
            {adding && (
                <AddMeasure
                    incident={row.id}
                    onDone={() => {
                        setAdding(false);
                        void read();
                    }}
                />
            )}
        </Card>
    );
}

function AddMeasure({ incident, onDone }: { incident: string; onDone: () => void }) {
    const [text, setText] = useState("");
    const [target, setTarget] = useState("");
    const [days, setDays] = useState<string>("7");
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await addCountermeasure({
                incident,
                text: text.trim(),
                expires_at: later(Number(days) * 24 * 60, Date.now()),
                ...(target.trim() ? { target: target.trim() } : {}),
            });
            onDone();
        });
    };
    return (
        <form class="form" onSubmit={send}>
            <Field label={t("measure.text")} value={text} onValue={setText} required focus />
            <Field label={t("measure.target")} value={target} onValue={setTarget} />
            <Select
                label={t("suppress.for")}
                value={days}
                onValue={setDays}
                options={EXPIRY_DAYS.map((n) => [n, t("archive.days", { n: Number(n) })] as const)}
            />
            <Buttons busy={busy} failed={failed} submit={t("measure.add")} onClose={onDone} />
        </form>
    );
}

/** The incident in the form that other tools read. */
export function Exports({ id }: { id: string }) {
    const me = useStore(app, (s) => s.me);
    if (!served(me, "exports")) return null;
    return (
        <Card kind="exports" title={t("report.export")}>
            <p class="links">
                {FORMATS.map((format) => (
                    <a
                        href={fileAt(`/incidents/${encodeURIComponent(id)}/export`, { format })}
                        download
                    >
                        {t(`format.${format}`)}
                    </a>
                ))}
            </p>
        </Card>
    );
}

interface Lineage {
    type: string;
    key: string;
    from: string;
    to: string;
    at: string | null;
    value: string | null;
    by: string | null;
}

/** Every link with the key that made it; read when it is asked for. */
export function LineageCard({ id }: { id: string }) {
    const [list, setList] = useState<Lineage[] | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const read = () =>
        api.read<{ items: Lineage[] }>(`/incidents/${encodeURIComponent(id)}/links`).then(
            ({ items }) => setList(items),
            (err) => setFailed(sayProblem(err)),
        );
    return (
        <details class="lineage" onToggle={(e) => e.currentTarget.open && !list && void read()}>
            <summary>{t("incident.lineage")}</summary>
            <Failed why={failed} />
            <ul class="plain-rows">
                {list?.map((link) => (
                    <li>
                        <span class="mono">{link.key}</span>
                        <span class="grow mono wrap">
                            <Text value={`${link.from} → ${link.to}`} limit={160} />
                            {link.value && (
                                <span class="sub">
                                    <Text value={link.value} limit={160} />
                                </span>
                            )}
                        </span>
                        <span class="dim">
                            <Stamp iso={link.at} />
                        </span>
                    </li>
                ))}
            </ul>
        </details>
    );
}
