// SPDX-License-Identifier: Apache-2.0
// Decisions: what each verb asks before it is carried out. One of these dialogs at most is open at
// a time.
import { useLayoutEffect, useState } from "preact/hooks";
import type { Incident, IncidentDetail, Tlp } from "../api/types.ts";
import { app, go, mayDecide, mayNote, notify, served } from "../model/app.ts";
import { desk, sayProblem, type Decision } from "../model/desk.ts";
import { keyOf, type Command } from "../model/keys.ts";
import { REJECTIONS, RESOLUTIONS, RSIT, TLPS, rsitOf, rsitText } from "../model/outcomes.ts";
import { replace } from "../model/search.ts";
import { Store, useStore } from "../model/store.ts";
import { later, nextAt } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { Key } from "./bits.tsx";
import { Choices, Dialog, digitKey } from "./dialog.tsx";
import { lazy } from "./lazy.tsx";
import { MergeDialog } from "./merge.tsx";
import { ViewsDialog } from "./views.tsx";
import { Buttons } from "./form.tsx";

const draft = () => import("./draft.tsx").then((m) => m.DraftDialog);
const suppress = () => import("./damping.tsx").then((m) => m.SuppressDialog);
const sayFailed = (err: unknown) => {
    unask();
    notify("problem", sayProblem(err));
};
const DraftDialog = lazy(draft, sayFailed);
const SuppressDialog = lazy(suppress, sayFailed);

/** Reads what the queue did not wait for, so that the first key to a dialog doesn't either. */
export function readDialogs(): void {
    void Promise.allSettled([draft(), suppress()]); // what failed is read again when it's opened
}

export type Ask =
    | "confirm"
    | "reject"
    | "resolve"
    | "wait"
    | "note"
    | "menu"
    | "state"
    | "views"
    | "merge"
    | "notice"
    | "suppress";

interface Asking {
    ask: Ask | null;
    row: Incident | null;
    /** Several incidents at once, with one reason. */
    ids: string[];
    allowed: string[] | null;
}

const asking = new Store<Asking>({ ask: null, row: null, ids: [], allowed: null });

export const isAsking = (): boolean => asking.state.ask !== null;

export function askFor(
    ask: Ask,
    row: Incident | null,
    ids: string[] = [],
    allowed: string[] | null = null,
): void {
    asking.set({ ask, row, ids, allowed });
}

export const unask = () => asking.set({ ask: null, row: null, ids: [], allowed: null });

/** The verbs in the order in which they are offered, with the command that gives each. */
export const VERBS: readonly { verb: string; command: Command; label: Parameters<typeof t>[0] }[] =
    [
        { verb: "claim", command: "claim", label: "verb.claim" },
        { verb: "steal", command: "claim", label: "verb.steal" },
        { verb: "confirm", command: "confirm", label: "verb.confirm" },
        { verb: "reject", command: "dismiss", label: "verb.reject" },
        { verb: "resolve", command: "resolve", label: "verb.resolve" },
        { verb: "close", command: "close", label: "verb.close" },
        { verb: "wait", command: "wait", label: "verb.wait" },
        { verb: "note", command: "note", label: "verb.note" },
        { verb: "release", command: "release", label: "verb.release" },
        { verb: "merge", command: "merge", label: "verb.merge" },
        { verb: "unmerge", command: "unmerge", label: "verb.unmerge" },
        { verb: "triage", command: "undo", label: "verb.triage" },
    ];

/**
 * What the state machine lets happen, for rows whose `allowed` we have not read; the collector has
 * the last word.
 */
export function possible(row: Incident): string[] {
    const me = app.state.me?.user;
    const verbs = mayNote(app.state.me) ? ["note"] : [];
    if (!mayDecide(app.state.me)) return verbs;
    const open = ["new", "triage", "confirmed", "handling"].includes(row.status);
    if (open && row.claimed_by !== me) verbs.push(row.claimed_by ? "steal" : "claim");
    if (row.claimed_by && row.claimed_by !== me) return verbs;
    if (open && row.claimed_by) verbs.push("release");
    if (row.status === "new" || row.status === "triage") verbs.push("confirm");
    if (open) verbs.push("reject", "merge");
    if (row.status === "merged") verbs.push("unmerge");
    if (open && row.status !== "new") verbs.push("wait");
    if (row.status === "confirmed" || row.status === "handling") verbs.push("resolve");
    if (row.status === "resolved") verbs.push("close");
    return verbs;
}

/** Carries out a command on one incident, asking first where something must be said. */
export function act(command: Command, row: Incident, allowed: string[] | null = null): boolean {
    const me = app.state.me?.user ?? "";
    if (!mayNote(app.state.me)) return false;
    const may = allowed ?? possible(row);
    if (command === "menu") askFor("menu", row, [], may);
    else if (command === "claim") {
        if (row.claimed_by === me) {
            notify("info", t("claim.already", { id: row.id }));
            return true;
        }
        const steal = row.claimed_by !== null && row.claimed_by !== me;
        if (!refusedHere("claim", row, may)) void desk.decide(row, { verb: "claim", steal });
    } else if (command === "release") {
        if (!refusedHere("release", row, may)) void desk.decide(row, { verb: "release" });
    } else if (command === "close") {
        if (!refusedHere("close", row, may))
            void desk.decide(row, { verb: "transition", transition: { to: "closed" } });
    } else if (command === "unmerge") {
        if (!refusedHere("unmerge", row, may)) void desk.decide(row, { verb: "unmerge" });
    } else if (command === "notice" || command === "suppress") {
        const needs = command === "notice" ? "notifications" : "suppressions";
        if (!served(app.state.me, needs) || !mayDecide(app.state.me)) return false;
        askFor(command, row);
    } else if (command === "dismiss") {
        if (!refusedHere("reject", row, may)) askFor("reject", row);
    } else if (
        command === "confirm" ||
        command === "resolve" ||
        command === "wait" ||
        command === "merge" ||
        command === "note"
    ) {
        if (!refusedHere(command, row, may)) askFor(command, row);
    } else return false;
    return true;
}

function refusedHere(verb: string, row: Incident, may: string[]): boolean {
    if (may.includes(verb) || (verb === "claim" && may.includes("steal"))) return false;
    const label = VERBS.find((known) => known.verb === verb)?.label ?? "verb.more";
    const other = row.claimed_by && row.claimed_by !== app.state.me?.user;
    if (other && may.includes("steal"))
        notify("problem", t("problem.claimed", { id: row.id, who: row.claimed_by ?? "" }));
    else
        notify(
            "problem",
            t("problem.not-allowed", {
                id: row.id,
                verb: t(label),
                status: t(`status.${row.status}`),
            }),
        );
    return true;
}

export function DecisionDialogs() {
    const { ask, row, ids, allowed } = useStore(asking, (s) => s);
    const route = useStore(app, (s) => s.route);
    // A question does not outlive its page; the next page's first key may ask one at once.
    useLayoutEffect(() => () => isAsking() && unask(), [route]);
    if (ask === "state") return <StateDialog />;
    if (ask === "views") return <ViewsDialog onClose={unask} />;
    if (ask === "reject" && (row || ids.length)) return <RejectDialog row={row} ids={ids} />;
    if (!ask || !row) return null;
    if (ask === "confirm") return <ConfirmDialog row={row} />;
    if (ask === "resolve") return <ResolveDialog row={row} />;
    if (ask === "wait") return <WaitDialog row={row} />;
    if (ask === "merge") return <MergeDialog row={row} onClose={unask} />;
    if (ask === "notice") return <DraftDialog row={row} onClose={unask} />;
    if (ask === "suppress") return <SuppressDialog row={row} onClose={unask} />;
    if (ask === "note") return <NoteDialog row={row} />;
    return <MenuDialog row={row} allowed={allowed ?? []} />;
}

const UNSENT_KEPT = 20;
/** What was written for decisions that did not stand, by question and incident. */
const unsent = new Map<string, string>();

/** Words of a decision: those of the last try are there again when it was refused. */
function useWords(ask: Ask, row: Incident | null) {
    const key = `${ask} ${row?.id}`;
    const [words, setWords] = useState((row && unsent.get(key)) || "");
    const decide = (decision: Decision) => {
        unask();
        unsent.delete(key);
        void desk.decide(row!, decision).then((stands) => {
            if (stands || !words.trim()) return;
            unsent.set(key, words);
            if (unsent.size > UNSENT_KEPT) unsent.delete(unsent.keys().next().value!);
        });
    };
    return [words, setWords, decide] as const;
}

function ConfirmDialog({ row }: { row: Incident }) {
    const [rsit, setRsit] = useState(rsitText(row.rsit));
    const [victim, setVictim] = useState(row.victim);
    const [tlp, setTlp] = useState<Tlp>((row as Partial<IncidentDetail>).tlp ?? "amber");
    const [note, setNote, decide] = useWords("confirm", row);
    const submit = (e: Event) => {
        e.preventDefault();
        const words = note.trim() ? { note: note.trim() } : {};
        decide({
            verb: "transition",
            transition: {
                to: "confirmed",
                rsit: rsitOf(rsit),
                victim: victim.trim(),
                tlp,
                ...words,
            },
        });
    };
    return (
        <Dialog title={t("confirm.title", { id: row.id })} onClose={unask}>
            <form class="form" onSubmit={submit}>
                <label>
                    <span>{t("confirm.type")}</span>
                    <select value={rsit} onChange={(e) => setRsit(e.currentTarget.value)}>
                        {Object.entries(RSIT).map(([cls, types]) => (
                            <optgroup label={cls}>
                                {types.map((type) => (
                                    <option value={`${cls}/${type}`}>{type}</option>
                                ))}
                            </optgroup>
                        ))}
                    </select>
                </label>
                <label>
                    <span>{t("confirm.victim")}</span>
                    <input
                        required
                        value={victim}
                        onInput={(e) => setVictim(e.currentTarget.value)}
                    />
                </label>
                <label>
                    <span>{t("confirm.tlp")}</span>
                    <select value={tlp} onChange={(e) => setTlp(e.currentTarget.value as Tlp)}>
                        {TLPS.map((level) => (
                            <option value={level}>TLP:{level.toUpperCase()}</option>
                        ))}
                    </select>
                </label>
                <label>
                    <span>{t("confirm.note")}</span>
                    <textarea
                        rows={2}
                        value={note}
                        onInput={(e) => setNote(e.currentTarget.value)}
                    />
                </label>
                <Buttons submit={t("confirm.submit")} focus onClose={unask} />
            </form>
        </Dialog>
    );
}

function RejectDialog({ row, ids }: { row: Incident | null; ids: string[] }) {
    const [words, setWords, decide] = useWords("reject", row);
    const [missing, setMissing] = useState(false);
    const pick = (index: number) => {
        const choice = REJECTIONS[index]!;
        if (choice.ask && !words.trim()) {
            setMissing(true);
            document.getElementById("reject-words")?.focus();
            return;
        }
        const reason = [choice.ask ? "" : t(choice.text), words.trim()].filter(Boolean).join(": ");
        if (row)
            return decide({
                verb: "transition",
                transition: { to: "rejected", outcome: choice.outcome, reason },
            });
        unask();
        void desk.decideAll(ids, "transition", { to: "rejected", outcome: choice.outcome, reason });
    };
    const title = row
        ? t("reject.title", { id: row.id })
        : t("reject.title-many", { n: ids.length });
    return (
        <Dialog title={title} onClose={unask} onKey={(e) => digitKey(e, REJECTIONS.length, pick)}>
            <Choices labels={REJECTIONS.map((choice) => t(choice.text))} onPick={pick} />
            <form
                class="form"
                onSubmit={(e) => {
                    e.preventDefault();
                    pick(REJECTIONS.length - 1);
                }}
            >
                <label>
                    <span>{t("reject.words")}</span>
                    <input
                        id="reject-words"
                        value={words}
                        aria-invalid={missing}
                        onInput={(e) => setWords(e.currentTarget.value)}
                    />
                </label>
                {missing && (
                    <p class="error" role="alert">
                        {t("reject.words-needed")}
                    </p>
                )}
            </form>
        </Dialog>
    );
}

function ResolveDialog({ row }: { row: Incident }) {
    const [note, setNote, decide] = useWords("resolve", row);
    const [choice, setChoice] = useState(0);
    const submit = (e: Event) => {
        e.preventDefault();
        const { outcome, text } = RESOLUTIONS[choice]!;
        decide({
            verb: "transition",
            transition: { to: "resolved", outcome, reason: t(text), note: note.trim() },
        });
    };
    return (
        <Dialog
            title={t("resolve.title", { id: row.id })}
            onClose={unask}
            onKey={(e) => digitKey(e, RESOLUTIONS.length, setChoice)}
        >
            <form class="form" onSubmit={submit}>
                <fieldset class="radios">
                    <legend class="sr">{t("fact.outcome")}</legend>
                    {RESOLUTIONS.map(({ text }, i) => (
                        <label class="radio">
                            <input
                                type="radio"
                                name="outcome"
                                checked={choice === i}
                                onChange={() => setChoice(i)}
                            />
                            <kbd>{i + 1}</kbd> {t(text)}
                        </label>
                    ))}
                </fieldset>
                <label>
                    <span>{t("resolve.note")}</span>
                    <textarea
                        rows={3}
                        required
                        value={note}
                        onInput={(e) => setNote(e.currentTarget.value)}
                        onKeyDown={submitOnCtrlEnter}
                        autoFocus
                    />
                </label>
                <Buttons
                    submit={
                        <>
                            {t("verb.resolve")} <kbd>Ctrl ⏎</kbd>
                        </>
                    }
                    onClose={unask}
                />
            </form>
        </Dialog>
    );
}

function WaitDialog({ row }: { row: Incident }) {
    const now = Date.now();
    const choices: { label: string; until: string | null; on?: "evidence" }[] = [
        { label: t("wait.30"), until: later(30, now) },
        { label: t("wait.120"), until: later(120, now) },
        { label: t("wait.morning"), until: nextAt(12, now) },
        { label: t("wait.day"), until: later(24 * 60, now) },
        { label: t("wait.evidence"), until: later(30 * 24 * 60, now), on: "evidence" },
    ];
    if (row.waiting_until) choices.push({ label: t("wait.end"), until: null });
    const pick = (index: number) => {
        const { until, on } = choices[index]!;
        unask();
        void desk.decide(row, { verb: "wait", until, on });
    };
    return (
        <Dialog
            title={t("wait.title", { id: row.id })}
            onClose={unask}
            onKey={(e) => digitKey(e, choices.length, pick)}
        >
            <Choices labels={choices.map((choice) => choice.label)} onPick={pick} />
        </Dialog>
    );
}

function NoteDialog({ row }: { row: Incident }) {
    const [text, setText, decide] = useWords("note", row);
    const submit = (e: Event) => {
        e.preventDefault();
        if (text.trim()) decide({ verb: "note", text: text.trim() });
    };
    return (
        <Dialog title={t("note.title", { id: row.id })} onClose={unask}>
            <form class="form" onSubmit={submit}>
                <label>
                    <span class="sr">{t("incident.notes")}</span>
                    <textarea
                        rows={4}
                        required
                        value={text}
                        placeholder={t("incident.note-placeholder")}
                        onInput={(e) => setText(e.currentTarget.value)}
                        onKeyDown={submitOnCtrlEnter}
                        autoFocus
                    />
                </label>
                <Buttons
                    submit={
                        <>
                            {t("incident.note-add")} <kbd>Ctrl ⏎</kbd>
                        </>
                    }
                    onClose={unask}
                />
            </form>
        </Dialog>
    );
}

export function submitOnCtrlEnter(e: KeyboardEvent): void {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey))
        (e.currentTarget as HTMLTextAreaElement).form?.requestSubmit();
}

function MenuDialog({ row, allowed }: { row: Incident; allowed: string[] }) {
    const verbs = VERBS.filter(({ verb }) => allowed.includes(verb));
    const pick = (index: number) => {
        const { verb, command } = verbs[index]!;
        unask();
        if (verb === "triage")
            void desk.decide(row, { verb: "transition", transition: { to: "triage" } });
        else act(command, row, allowed);
    };
    const onKey = (e: KeyboardEvent) => {
        const index = verbs.findIndex(({ command }) => keyOf(command) === e.key);
        if (index < 0) return digitKey(e, verbs.length, pick);
        e.preventDefault();
        pick(index);
    };
    return (
        <Dialog title={t("menu.title", { id: row.id })} onClose={unask} onKey={onKey}>
            <ol class="choices">
                {verbs.map(({ label, command }, i) => (
                    <li>
                        <button type="button" onClick={() => pick(i)} autoFocus={i === 0}>
                            <Key keys={keyOf(command)} />
                            <span>{t(label)}</span>
                        </button>
                    </li>
                ))}
            </ol>
        </Dialog>
    );
}

function StateDialog() {
    const { states, route, stats } = useStore(app, (s) => s);
    const choose = (code: string | null) => {
        unask();
        go({ page: "queue", q: replace(route.page === "queue" ? route.q : "", "state", code) });
    };
    return (
        <Dialog title={t("state.title")} onClose={unask} wide>
            <ul class="states">
                <li>
                    <button type="button" onClick={() => choose(null)} autoFocus>
                        {t("state.all")}
                    </button>
                </li>
                {states.map(({ code, name }) => (
                    <li>
                        <button type="button" onClick={() => choose(code)}>
                            <span class="state-code">{code.toUpperCase()}</span>
                            <span class="grow">{name}</span>
                            <span class="dim">{stats?.by_state[code] ?? 0}</span>
                        </button>
                    </li>
                ))}
            </ul>
        </Dialog>
    );
}
