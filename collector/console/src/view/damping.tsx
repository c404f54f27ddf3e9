// SPDX-License-Identifier: Apache-2.0
// What is kept out of the queue, and what counts for less: each entry with its owner and its end.
import { useState } from "preact/hooks";
import {
    addDamping,
    addSuppression,
    dampings,
    extendSuppression,
    removeDamping,
    removeSuppression,
    suppressions,
    type Damping,
    type Suppression,
} from "../api/registry.ts";
import type { Incident, Signal } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { age, later, span, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, mayDecide, notify } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { Stamp, StateCode, Text } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Field, Select, useSubmit } from "./form.tsx";
import { ListPanel, useListed, type Column } from "./table.tsx";

const LISTS = ["scanner", "maintenance", "honeypot", "warninglist"] as const;
const DAYS = ["1", "7", "30", "90"] as const;
const untilIn = (days: string): string => later(Number(days) * 24 * 60, Date.now());
const daysOptions = () => DAYS.map((n) => [n, t("archive.days", { n: Number(n) })] as const);

export function Suppressions() {
    const { now, me } = useStore(app, (s) => s);
    const list = useListed("", suppressions);
    const [asked, setAsked] = useState<Suppression | "add" | null>(null);
    const done = () => {
        setAsked(null);
        list.reload();
    };
    const end = (one: Suppression) =>
        removeSuppression(one).then(list.reload, (err) => notify("problem", sayProblem(err)));
    const columns: Column<Suppression>[] = [
        {
            head: t("suppress.what"),
            cell: (row) => (
                <>
                    <StateCode code={row.state} />{" "}
                    <span class="mono">
                        <Text value={sayScope(row)} limit={160} />
                    </span>
                </>
            ),
        },
        { head: t("fact.reason"), cell: (row) => <Text value={row.reason} limit={200} /> },
        { head: t("suppress.owner"), cell: (row) => <Text value={row.owner} limit={60} /> },
        {
            head: t("suppress.until"),
            cell: (row) => (
                <span title={`${stamp(row.expires_at)} UTC`}>
                    {t("sensors.cert-left", { span: span(Date.parse(row.expires_at) - now) })}
                </span>
            ),
        },
        {
            head: t("suppress.hits"),
            num: true,
            cell: (row) => (
                <>
                    {whole(row.hits)}
                    {row.last_hit_at && (
                        <span class="sub">
                            {t("feeds.ago", { span: age(row.last_hit_at, now) })}
                        </span>
                    )}
                </>
            ),
        },
        {
            head: t("page.actions"),
            cell: (row) =>
                mayDecide(me) && (
                    <span class="row-buttons">
                        <button type="button" onClick={() => setAsked(row)}>
                            {t("suppress.extend")}
                        </button>
                        <button type="button" onClick={() => void end(row)}>
                            {t("suppress.end")}
                        </button>
                    </span>
                ),
        },
    ];
    return (
        <ListPanel
            list={list}
            label={t("admin.suppressions")}
            empty={t("suppress.none")}
            hint={t("suppress.none-hint")}
            columns={columns}
            keyOf={(row) => row.id}
            tools={mayDecide(me) && <AddButton onAdd={() => setAsked("add")} />}
        >
            {asked === "add" && <SuppressDialog onClose={done} />}
            {asked && asked !== "add" && <ExtendDialog one={asked} onClose={done} />}
        </ListPanel>
    );
}

function AddButton({ onAdd }: { onAdd: () => void }) {
    return (
        <button type="button" class="primary" onClick={onAdd}>
            {t("page.add")}
        </button>
    );
}

/** How long an entry holds, and why: what each form here ends with. */
function useHold(first: string, reason = "") {
    const [days, setDays] = useState(first);
    const [why, setWhy] = useState(reason);
    const [busy, failed, submit] = useSubmit();
    return { days, setDays, why, setWhy, busy, failed, submit };
}

function HoldFields(props: {
    hold: ReturnType<typeof useHold>;
    label?: string;
    focus?: boolean;
    submit: string;
    onClose: () => void;
}) {
    const { hold, label, focus = false, submit, onClose } = props;
    return (
        <>
            <Select
                label={t("suppress.for")}
                value={hold.days}
                onValue={hold.setDays}
                options={daysOptions()}
            />
            <Field
                label={label ?? t("fact.reason")}
                value={hold.why}
                onValue={hold.setWhy}
                required
                focus={focus}
            />
            <Buttons busy={hold.busy} failed={hold.failed} submit={submit} onClose={onClose} />
        </>
    );
}

/** Lets it hold for so long from now on, and its reason be put right. */
function ExtendDialog({ one, onClose }: { one: Suppression; onClose: () => void }) {
    const hold = useHold("7", one.reason);
    const send = (e: Event) => {
        e.preventDefault();
        hold.submit(async () => {
            const now = await extendSuppression(one, {
                expires_at: untilIn(hold.days),
                reason: hold.why.trim(),
            });
            notify("done", t("suppress.done", { at: stamp(now.expires_at).slice(0, 16) }));
            onClose();
        });
    };
    return (
        <Dialog title={t("suppress.extend-title")} onClose={onClose}>
            <form class="form" onSubmit={send}>
                <p class="mono">
                    <Text value={sayScope(one)} limit={160} />
                </p>
                <HoldFields hold={hold} focus submit={t("suppress.extend")} onClose={onClose} />
            </form>
        </Dialog>
    );
}

export const sayScope = (row: {
    sid: number | string | null;
    victim: string | null;
    peer: string | null;
}): string =>
    [
        row.sid ? `sid ${row.sid}` : "",
        row.victim ? `${t("fact.victim")} ${row.victim}` : "",
        row.peer ? `${t("fact.peer")} ${row.peer}` : "",
    ]
        .filter(Boolean)
        .join(" · ");

/** From an incident the form is filled: its leading rule, on this victim only. */
export function SuppressDialog({
    row,
    signals,
    onClose,
}: {
    row?: Incident;
    signals?: Signal[];
    onClose: () => void;
}) {
    const states = useStore(app, (s) => s.states);
    const [state, setState] = useState(row?.state ?? states[0]?.code ?? "");
    const [sid, setSid] = useState(signals?.[0] ? String(signals[0].sid) : "");
    const [victim, setVictim] = useState(row?.victim ?? "");
    const [peer, setPeer] = useState("");
    const hold = useHold("7");
    const send = (e: Event) => {
        e.preventDefault();
        hold.submit(async () => {
            const made = await addSuppression({
                state,
                ...(sid.trim() ? { sid: Number(sid) } : {}),
                ...(victim.trim() ? { victim: victim.trim() } : {}),
                ...(peer.trim() ? { peer: peer.trim() } : {}),
                reason: hold.why.trim(),
                expires_at: untilIn(hold.days),
            });
            notify("done", t("suppress.done", { at: stamp(made.expires_at).slice(0, 16) }));
            onClose();
        });
    };
    return (
        <Dialog
            title={row ? t("suppress.title-of", { id: row.id }) : t("suppress.title")}
            onClose={onClose}
        >
            <form class="form" onSubmit={send}>
                <p class="dim">{t("suppress.hint")}</p>
                {!row && (
                    <Select
                        label={t("queue.filter-state")}
                        value={state}
                        onValue={setState}
                        options={states.map(({ code, name }) => [code, name] as const)}
                    />
                )}
                <Field
                    label={t("suppress.sid")}
                    value={sid}
                    onValue={setSid}
                    pattern="[0-9]{1,10}"
                />
                <Field label={t("fact.victim")} value={victim} onValue={setVictim} />
                <Field label={t("fact.peer")} value={peer} onValue={setPeer} />
                <HoldFields hold={hold} focus submit={t("suppress.submit")} onClose={onClose} />
            </form>
        </Dialog>
    );
}

export function DampingLists() {
    const { now, me } = useStore(app, (s) => s);
    const list = useListed("", dampings);
    const [adding, setAdding] = useState(false);
    const done = () => {
        setAdding(false);
        list.reload();
    };
    const end = (one: Damping) =>
        removeDamping(one).then(list.reload, (err) => notify("problem", sayProblem(err)));
    const columns: Column<Damping>[] = [
        {
            head: t("damping.match"),
            cell: (row) => (
                <span class="mono">
                    <Text value={row.match} limit={80} />
                </span>
            ),
        },
        { head: t("damping.list"), cell: (row) => tMaybe(`damping.${row.list}`, row.list) },
        {
            head: t("queue.filter-state"),
            cell: (row) => (row.state ? <StateCode code={row.state} /> : t("app.region")),
        },
        {
            head: t("suppress.until"),
            cell: (row) =>
                row.until ? (
                    <span class={Date.parse(row.until) < now ? "dim" : ""}>
                        <Stamp iso={row.until} />
                    </span>
                ) : (
                    t("damping.always")
                ),
        },
        { head: t("notice.note"), cell: (row) => <Text value={row.note} limit={200} /> },
        {
            head: t("suppress.owner"),
            wide: true,
            cell: (row) => <Text value={row.by} limit={60} />,
        },
        {
            head: t("page.actions"),
            cell: (row) =>
                mayDecide(me) && (
                    <button type="button" onClick={() => void end(row)}>
                        {t("users.remove")}
                    </button>
                ),
        },
    ];
    return (
        <ListPanel
            list={list}
            label={t("admin.damping")}
            empty={t("damping.none")}
            hint={t("damping.none-hint")}
            columns={columns}
            keyOf={(row) => row.id}
            tools={mayDecide(me) && <AddButton onAdd={() => setAdding(true)} />}
        >
            {adding && <DampingDialog onClose={done} />}
        </ListPanel>
    );
}

function DampingDialog({ onClose }: { onClose: () => void }) {
    const { states, me } = useStore(app, (s) => s);
    const region = me?.states[0] === "*";
    const [kind, setKind] = useState<string>("scanner");
    const [match, setMatch] = useState("");
    const [state, setState] = useState(region ? "" : (states[0]?.code ?? ""));
    const hold = useHold("30");
    const send = (e: Event) => {
        e.preventDefault();
        hold.submit(async () => {
            await addDamping({
                list: kind as Damping["list"],
                match: match.trim(),
                until: untilIn(hold.days),
                note: hold.why.trim(),
                ...(state ? { state } : {}),
            });
            onClose();
        });
    };
    return (
        <Dialog title={t("damping.add")} onClose={onClose}>
            <form class="form" onSubmit={send}>
                <Select
                    label={t("damping.list")}
                    value={kind}
                    onValue={setKind}
                    options={LISTS.map((key) => [key, t(`damping.${key}`)] as const)}
                />
                <Field
                    label={t("damping.match")}
                    hint="192.0.2.0/24, *.example.net"
                    value={match}
                    onValue={setMatch}
                    required
                    focus
                />
                <Select
                    label={t("queue.filter-state")}
                    value={state}
                    onValue={setState}
                    options={[
                        ...(region ? [["", t("app.region")] as const] : []),
                        ...states.map(({ code, name }) => [code, name] as const),
                    ]}
                />
                <HoldFields
                    hold={hold}
                    label={t("notice.note")}
                    submit={t("page.add")}
                    onClose={onClose}
                />
            </form>
        </Dialog>
    );
}
