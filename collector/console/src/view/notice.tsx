// SPDX-License-Identifier: Apache-2.0
// One notice: what is, or will be, told to whom; editable while it is a draft; and what the
// collector lets this user do with it now.
import { useEffect, useRef, useState } from "preact/hooks";
import {
    FEEDBACK,
    changeNotice,
    notice as readNotice,
    noticeVerb,
    type Notice,
} from "../api/notices.ts";
import type { Tlp } from "../api/types.ts";
import { t, tMaybe } from "../msg/index.ts";
import { TLPS } from "../model/outcomes.ts";
import { Prose, Stamp, Text, TlpLabel } from "./bits.tsx";
import { Failed, Field, Select, useSubmit } from "./form.tsx";

const FOLLOW_MS = 3000;

interface Props {
    one: Notice;
    onChanged: (changed: Notice) => void;
}

/** A notice that is on its way changes by itself: what is open follows it. */
function useFollowed({ one, onChanged }: Props): void {
    const latest = useRef(onChanged);
    latest.current = onChanged;
    useEffect(() => {
        if (one.status !== "queued" && one.status !== "sent") return;
        let live = true;
        const look = () =>
            readNotice(one.id).then(
                (now) => live && now.version > one.version && latest.current(now),
                () => {}, // the next look comes soon
            );
        const timer = setInterval(() => void look(), FOLLOW_MS);
        return () => {
            live = false;
            clearInterval(timer);
        };
    }, [one.id, one.version, one.status]);
}

export function NoticeView({ one, onChanged }: Props) {
    useFollowed({ one, onChanged });
    const editable = one.allowed.includes("edit");
    return (
        <div class="notice-view">
            <dl class="facts">
                <dt>{t("notice.to")}</dt>
                <dd>
                    <Text value={one.contact_name ?? t("notice.nobody")} limit={120} />{" "}
                    {one.channel && (
                        <span class="dim">{tMaybe(`channel.${one.channel}`, one.channel)}</span>
                    )}
                </dd>
                <dt>{t("notice.incident")}</dt>
                <dd>
                    <a class="mono" href={`#/incident/${encodeURIComponent(one.incident)}`}>
                        {one.incident}
                    </a>
                </dd>
                <dt>{t("notice.status")}</dt>
                <dd>
                    {t(`notice.status-${one.status}`)}
                    {needsSecond(one) && <span class="dim"> · {t("notice.needs-second")}</span>}
                    {one.error && (
                        <span class="error">
                            {" "}
                            · <Text value={one.error} limit={300} />
                        </span>
                    )}
                </dd>
                {one.feedback && (
                    <>
                        <dt>{t("notice.answer")}</dt>
                        <dd>
                            {tMaybe(`feedback.${one.feedback}`, one.feedback)}
                            {one.feedback_note && (
                                <>
                                    {": "}
                                    <Text value={one.feedback_note} limit={1000} />
                                </>
                            )}
                        </dd>
                    </>
                )}
            </dl>
            {editable ? <Edit key={one.id} one={one} onChanged={onChanged} /> : <Told one={one} />}
            <Verbs key={`${one.id} verbs`} one={one} onChanged={onChanged} editable={editable} />
            <ol class="timeline">
                {[...one.log].reverse().map((entry) => (
                    <li>
                        <Stamp iso={entry.at} />
                        <span />
                        <span>
                            <Text value={entry.text} limit={600} />
                        </span>
                    </li>
                ))}
            </ol>
        </div>
    );
}

/** Red, amber+strict and contacts abroad go out only when another person agrees. */
const needsSecond = (one: Notice): boolean =>
    !one.approved_by &&
    ["draft", "approval"].includes(one.status) &&
    (!!one.abroad || one.tlp === "red" || one.tlp === "amber+strict");

function Told({ one }: { one: Notice }) {
    return (
        <blockquote class="told">
            <p>
                <TlpLabel tlp={one.tlp} />{" "}
                <b>
                    <Text value={one.subject} limit={400} />
                </b>
            </p>
            <Prose value={one.text} />
        </blockquote>
    );
}

function Edit({ one, onChanged }: Props) {
    const [subject, setSubject] = useState(one.subject);
    const [text, setText] = useState(one.text);
    const [tlp, setTlp] = useState<string>(one.tlp);
    const [busy, failed, submit] = useSubmit();
    const changed = subject !== one.subject || text !== one.text || tlp !== one.tlp;
    const save = (then?: "send") =>
        submit(async () => {
            const saved = changed
                ? await changeNotice(one, { subject, text, tlp: tlp as Tlp })
                : one;
            onChanged(then ? await noticeVerb(saved, "send") : saved);
        });
    return (
        <form
            class="form"
            onSubmit={(e) => {
                e.preventDefault();
                save("send");
            }}
        >
            <Field label={t("notice.subject")} value={subject} onValue={setSubject} required />
            <Field label={t("notice.text")} value={text} onValue={setText} rows={16} required />
            <Select
                label={t("confirm.tlp")}
                value={tlp}
                onValue={setTlp}
                options={TLPS.map((level) => [level, `TLP:${level.toUpperCase()}`] as const)}
            />
            <Failed why={failed} />
            <div class="buttons">
                <button type="button" disabled={busy || !changed} onClick={() => save()}>
                    {t("dialog.save")}
                </button>
                <button type="submit" class="primary" disabled={busy}>
                    {t("notice.verb-send")}
                </button>
            </div>
        </form>
    );
}

/** Verbs that need words open a line for them; the others act at once. */
const WORDS: Readonly<Record<string, { field: string; needed: boolean }>> = {
    withdraw: { field: "reason", needed: true },
    ack: { field: "note", needed: false },
};

function Verbs({ one, onChanged, editable }: Props & { editable: boolean }) {
    const [open, setOpen] = useState<string | null>(null);
    const [words, setWords] = useState("");
    const [outcome, setOutcome] = useState<string>(FEEDBACK[0]);
    const [busy, failed, submit] = useSubmit();
    const verbs = one.allowed.filter((verb) => verb in KNOWN && !(editable && verb === "send"));
    if (verbs.length === 0) return null;
    const give = (verb: string, body: Record<string, string>) =>
        submit(async () => {
            onChanged(await noticeVerb(one, verb, body));
            setOpen(null);
            setWords("");
        });
    const begin = (verb: string) =>
        verb in WORDS || verb === "feedback"
            ? setOpen(open === verb ? null : verb)
            : give(verb, {});
    const finish = (e: Event) => {
        e.preventDefault();
        if (open === "feedback")
            return give("feedback", { outcome, ...(words.trim() ? { note: words.trim() } : {}) });
        const field = WORDS[open!]!.field;
        give(open!, words.trim() ? { [field]: words.trim() } : {});
    };
    return (
        <div class="notice-verbs">
            <div class="verbs">
                {verbs.map((verb, i) => (
                    <button
                        type="button"
                        class={i === 0 && verb !== "withdraw" ? "primary" : ""}
                        aria-expanded={
                            verb in WORDS || verb === "feedback" ? open === verb : undefined
                        }
                        disabled={busy}
                        onClick={() => begin(verb)}
                    >
                        {t(KNOWN[verb]!)}
                    </button>
                ))}
            </div>
            {open && verbs.includes(open) && (
                <form class="form" onSubmit={finish}>
                    {open === "feedback" && (
                        <Select
                            label={t("notice.answer")}
                            value={outcome}
                            onValue={setOutcome}
                            options={FEEDBACK.map((key) => [key, t(`feedback.${key}`)] as const)}
                        />
                    )}
                    <Field
                        label={t(WORDS[open]?.needed ? "notice.reason" : "notice.note")}
                        value={words}
                        onValue={setWords}
                        required={WORDS[open]?.needed}
                        focus
                    />
                    <div class="buttons">
                        <button type="submit" class="primary" disabled={busy}>
                            {t(KNOWN[open]!)}
                        </button>
                    </div>
                </form>
            )}
            <Failed why={failed} />
        </div>
    );
}

const KNOWN: Readonly<Record<string, Parameters<typeof t>[0]>> = {
    send: "notice.verb-send",
    approve: "notice.verb-approve",
    withdraw: "notice.verb-withdraw",
    ack: "notice.verb-ack",
    feedback: "notice.verb-feedback",
};
