// SPDX-License-Identifier: Apache-2.0
// One incident: why it stands where it stands, what is known, what was done; beside the queue or as
// a page of its own.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { Problem, api } from "../api/client.ts";
import type { EveRecord, Incident, IncidentDetail, Signal } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { age, stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app, go, hashOf, mayNote } from "../model/app.ts";
import { useCommands } from "../model/commands.ts";
import { desk, sayEntry, sayProblem } from "../model/desk.ts";
import { keyOf } from "../model/keys.ts";
import { useStore } from "../model/store.ts";
import {
    Arrow,
    Key,
    Prose,
    Spark,
    StageStrip,
    Stamp,
    StateCode,
    StatusWord,
    Text,
    TierChip,
    TimeLeftView,
    TlpLabel,
    tierLabel,
} from "./bits.tsx";
import {
    Countermeasures,
    Exports,
    LineageCard,
    Links,
    Notices as Told,
    SameVictim,
} from "./around.tsx";
import { Card, Depth } from "./card.tsx";
import { VERBS, act, possible, submitOnCtrlEnter } from "./decisions.tsx";
import { EveList } from "./eve.tsx";
import { Why } from "./why.tsx";
import { Failed } from "./form.tsx";

const READ_PAUSE_MS = 120;

export function IncidentPage({ id }: { id: string }) {
    useLayoutEffect(() => {
        if (desk.queue.base(id)) desk.queue.cursor = id;
        else if (desk.queue.size === 0) void desk.load("");
    }, [id]);
    useCommands((command) => {
        if (command === "escape") go({ page: "queue", q: desk.query });
        else if (command === "incident-next" || command === "incident-previous") {
            desk.queue.move(command === "incident-next" ? 1 : -1);
            if (desk.queue.cursor) go({ page: "incident", id: desk.queue.cursor }, true);
        } else return false;
        return true;
    });
    return (
        <main id="content" class="incident-page">
            <p class="crumb">
                <a href={hashOf({ page: "queue", q: desk.query })}>← {t("incident.back")}</a>
            </p>
            <IncidentView id={id} />
        </main>
    );
}

interface Known {
    id: string;
    detail: IncidentDetail | null;
    alerts: EveRecord[] | null;
    total: number;
    failed: string | null;
}

/** Reads the incident when the cursor has rested on it, and again whenever it changes. */
function useIncident(id: string, pause: number): Known {
    const nothing: Known = { id, detail: null, alerts: null, total: 0, failed: null };
    const [known, setKnown] = useState<Known>(nothing);
    useEffect(() => {
        let live = true;
        const take = (part: Partial<Known>) =>
            live && setKnown((was) => ({ ...(was.id === id ? was : nothing), ...part }));
        const read = async () => {
            try {
                await desk.read(id);
                const page = await api.alerts(id);
                take({ alerts: page.items, total: page.total });
            } catch (err) {
                const gone = err instanceof Problem && err.status === 404;
                take({ failed: gone ? t("incident.not-found", { id }) : sayProblem(err) });
            }
        };
        const timer = setTimeout(() => void read(), pause);
        const unwatch = desk.watchDetail(id, (detail) => take({ detail, failed: null }));
        return () => {
            live = false;
            clearTimeout(timer);
            unwatch();
        };
    }, [id]);
    return known.id === id ? known : nothing;
}

export function IncidentView({ id, beside }: { id: string; beside?: boolean }) {
    useStore(desk, (s) => s.revision);
    const known = useIncident(id, beside ? READ_PAUSE_MS : 0);
    const me = useStore(app, (s) => s.me);
    const detail = known.detail;
    // An answer to a decision is here before the details are read again, and may have taken the
    // incident out of the list: what it says holds on, so that the next key finds it.
    const seen = desk.newest(id);
    const newest =
        detail && seen && seen.version > detail.version ? { ...detail, ...seen } : detail;
    const base = newest ?? seen;
    const overlay = desk.queue.overlayOf(id);
    const shown: Incident | null = base ? { ...base, ...overlay } : null;
    // What the server allowed is true of the version it spoke of; for a newer one the states decide.
    const ahead = newest !== detail || Object.keys(overlay).length > 0;
    const allowed = shown && detail ? (ahead ? possible(shown) : detail.allowed) : null;
    useCommands((command) => {
        if (beside) return false;
        return !!shown && act(command, shown, allowed);
    });
    if (known.failed && !shown)
        return (
            <p class="empty-title" role="alert">
                {known.failed}
            </p>
        );
    if (!shown)
        return (
            <p class="dim" role="status">
                {t("incident.loading", { id })}
            </p>
        );
    return (
        <article class={beside ? "incident beside" : "incident"}>
            <Head row={shown} beside={beside} />
            {mayNote(me) ? (
                <Verbs row={shown} allowed={allowed} />
            ) : (
                <p class="dim">{t("verb.none")}</p>
            )}
            <Failed why={known.failed} />
            <Depth.Provider value={beside ? 3 : 2}>
                <div class="cards">
                    <div class="cards-main">
                        {detail && <Why detail={detail} tier={shown.tier} />}
                        {detail && <Signals list={detail.signal_list} />}
                        {known.alerts && (
                            <EveList id={id} records={known.alerts} count={shown.count} />
                        )}
                    </div>
                    <div class="cards-side">
                        <Facts row={shown} detail={detail} />
                        {detail && <Links detail={detail} />}
                        {detail && <Told key={`told ${id}`} row={shown} />}
                        {detail && <Countermeasures key={`done ${id}`} row={shown} />}
                        {detail && (
                            <Notes
                                key={`notes ${id}`}
                                detail={detail}
                                row={shown}
                                may={mayNote(me)}
                            />
                        )}
                        {detail && <SameVictim key={id} row={shown} />}
                        {detail && <Timeline detail={detail} />}
                        {detail && <Exports id={id} />}
                    </div>
                </div>
            </Depth.Provider>
        </article>
    );
}

function Head({ row, beside }: { row: Incident; beside?: boolean }) {
    const now = useStore(app, (s) => s.now);
    const Title = beside ? "h2" : "h1";
    return (
        <header class="incident-head">
            <TierChip tier={row.tier} />
            <div class="incident-titles">
                <Title>
                    <Text value={row.title} limit={400} />
                </Title>
                <p class="incident-sub">
                    {beside ? (
                        <a
                            href={`#/incident/${encodeURIComponent(row.id)}`}
                            title={t("incident.open-page")}
                        >
                            {row.id}
                        </a>
                    ) : (
                        <span>{row.id}</span>
                    )}
                    <StateCode code={row.state} />
                    <StatusWord status={row.status} />
                    <span>{tierLabel(row.tier)}</span>
                    {row.claimed_by && (
                        <span>
                            {t("fact.owner")}: <Text value={row.claimed_by} limit={60} />
                        </span>
                    )}
                </p>
            </div>
            <TimeLeftView row={row} now={now} />
        </header>
    );
}

function Verbs({ row, allowed }: { row: Incident; allowed: string[] | null }) {
    const me = useStore(app, (s) => s.me?.user);
    if (!allowed) return <div class="verbs" aria-busy="true" />;
    const verbs = VERBS.filter(
        ({ verb }) => allowed.includes(verb) && !(verb === "claim" && row.claimed_by === me),
    );
    const main = verbs.find(
        ({ verb }) =>
            verb === "claim" || verb === "confirm" || verb === "resolve" || verb === "close",
    );
    return (
        <div class="verbs" role="group" aria-label={t("verb.more")}>
            {verbs.map((entry) => {
                const back = entry.verb === "triage";
                const give = () =>
                    back
                        ? void desk.decide(row, {
                              verb: "transition",
                              transition: { to: "triage" },
                          })
                        : void act(entry.command, row, allowed);
                return (
                    <button type="button" class={entry === main ? "primary" : ""} onClick={give}>
                        {t(entry.label)} {!back && <Key keys={keyOf(entry.command)} />}
                    </button>
                );
            })}
        </div>
    );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
    return (
        <>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </>
    );
}

function Facts({ row, detail }: { row: Incident; detail: IncidentDetail | null }) {
    return (
        <Card kind="facts" title={t("incident.facts")} aside={<StageStrip seen={row.stages} />}>
            <dl class="facts">
                <Fact name={t("fact.victim")}>
                    <span class="mono">
                        <Text value={row.victim} />
                    </span>{" "}
                    {row.victim_role && (
                        <span class="dim">
                            <Text value={row.victim_role} />
                        </span>
                    )}
                </Fact>
                <Fact name={t("fact.peer")}>
                    <Arrow direction={row.direction} />{" "}
                    <span class="mono">
                        <Text value={row.peer ?? "–"} />
                    </span>
                </Fact>
                <Fact name={t("fact.rsit")}>
                    <Text value={`${row.rsit.class} / ${row.rsit.type}`} />
                </Fact>
                <Fact name={t("fact.alerts")}>
                    {whole(row.count)} <Spark values={row.spark} label={t("row.spark")} />
                </Fact>
                <Fact name={t("fact.seen")}>
                    <Stamp iso={row.first_seen} /> – <Stamp iso={row.last_seen} /> UTC
                </Fact>
                <Fact name={t("fact.sensors")}>
                    <Text value={row.sensors.join(", ")} />
                </Fact>
                {row.feeds.length > 0 && (
                    <Fact name={t("fact.feeds")}>
                        <Text value={row.feeds.join(", ")} />
                    </Fact>
                )}
                {row.states_seen > 1 && (
                    <Fact name={t("fact.states")}>
                        {t("row.states", { n: row.states_seen - 1 })}
                    </Fact>
                )}
                {detail?.tlp && (
                    <Fact name={t("fact.tlp")}>
                        <TlpLabel tlp={detail.tlp} />
                    </Fact>
                )}
                {detail?.outcome && (
                    <Fact name={t("fact.outcome")}>
                        <Text value={detail.outcome} />
                    </Fact>
                )}
                {detail?.reason && (
                    <Fact name={t("fact.reason")}>
                        <Text value={detail.reason} />
                    </Fact>
                )}
                {row.waiting_until && (
                    <Fact name={t("clock.waiting")}>
                        {t(
                            row.waiting_on === "evidence"
                                ? "clock.waiting-evidence"
                                : "clock.waiting-until",
                            { at: stamp(row.waiting_until) },
                        )}
                    </Fact>
                )}
            </dl>
        </Card>
    );
}

function Signals({ list }: { list: Signal[] }) {
    const now = useStore(app, (s) => s.now);
    return (
        <Card kind="signals" title={t("incident.signals")} aside={list.length}>
            <ul class="signals">
                {list.map((signal) => (
                    <li>
                        <span class="mono dim">
                            {signal.sid}:{signal.rev}
                        </span>
                        <span class="signal-name">
                            <Text value={signal.signature} limit={300} />
                        </span>
                        <span class="num nowrap">{t("signal.alerts", { n: signal.count })}</span>
                        <span class="signal-flow mono">
                            <Text value={signal.src} limit={80} /> →{" "}
                            <Text value={signal.dest} limit={80} />{" "}
                            <Text
                                value={[signal.ports.join(","), signal.proto, signal.app_proto]
                                    .filter(Boolean)
                                    .join(" ")}
                                limit={80}
                            />
                        </span>
                        <span class="signal-feed">
                            {signal.stage && <span>{t(`stage.${signal.stage}`)} · </span>}
                            <Text
                                value={[signal.feed, signal.ruleset].filter(Boolean).join(" ")}
                                limit={60}
                            />
                        </span>
                        <span class="num nowrap dim" title={`${stamp(signal.last_seen)} UTC`}>
                            {t("signal.last", { span: age(signal.last_seen, now) })}
                        </span>
                    </li>
                ))}
            </ul>
        </Card>
    );
}

function Notes({ detail, row, may }: { detail: IncidentDetail; row: Incident; may: boolean }) {
    const [text, setText] = useState("");
    const submit = (e: Event) => {
        e.preventDefault();
        const words = text.trim();
        if (!words) return;
        setText(""); // at once: what is typed until the answer comes is the next note
        void desk
            .decide(row, { verb: "note", text: words })
            .then((stood) => stood || setText((now) => [words, now].filter(Boolean).join("\n")));
    };
    return (
        <Card kind="notes" title={t("incident.notes")} aside={detail.notes.length || undefined}>
            {detail.notes.length === 0 && <p class="dim">{t("incident.note-none")}</p>}
            {[...detail.notes].reverse().map((note) => (
                <div class="note">
                    <p class="note-head">
                        <Text value={note.who} limit={60} />{" "}
                        <span class="dim">
                            <Stamp iso={note.at} />
                        </span>
                    </p>
                    <Prose value={note.text} />
                </div>
            ))}
            {may && detail.allowed.includes("note") && (
                <form class="note-form" onSubmit={submit}>
                    <textarea
                        rows={2}
                        aria-label={t("incident.notes")}
                        placeholder={t("incident.note-placeholder")}
                        value={text}
                        onInput={(e) => setText(e.currentTarget.value)}
                        onKeyDown={submitOnCtrlEnter}
                    />
                    <button type="submit" disabled={!text.trim()}>
                        {t("incident.note-add")}
                    </button>
                </form>
            )}
        </Card>
    );
}

function Timeline({ detail }: { detail: IncidentDetail }) {
    return (
        <Card kind="timeline" title={t("incident.timeline")}>
            <ol class="timeline">
                {[...detail.timeline].reverse().map((entry) => (
                    <li>
                        <Stamp iso={entry.at} />
                        <span class="who">
                            <Text value={entry.who} limit={60} />
                        </span>
                        <span>
                            <Text value={sayEntry(entry)} limit={600} />
                        </span>
                    </li>
                ))}
            </ol>
            {detail.merged && <LineageCard key={detail.id} id={detail.id} />}
        </Card>
    );
}
