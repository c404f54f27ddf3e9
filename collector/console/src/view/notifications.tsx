// SPDX-License-Identifier: Apache-2.0
// Notices on their way up the ladder, as a board: what is being written, what waits for an answer
// and until when, what was answered. A national contact sees here what the region sent.
import { useEffect, useState } from "preact/hooks";
import { notice as readNotice, notices, type Notice, type NoticeStatus } from "../api/notices.ts";
import { span, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, go } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { StateCode, Text, TierChip, TlpLabel } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { NoticeView } from "./notice.tsx";
import { Empty, PageFrame, useListed } from "./table.tsx";
import { Failed } from "./form.tsx";

const COLUMNS: readonly { key: string; holds: readonly NoticeStatus[] }[] = [
    { key: "draft", holds: ["draft", "approval"] },
    { key: "queued", holds: ["queued", "failed"] },
    { key: "sent", holds: ["sent"] },
    { key: "acked", holds: ["acked"] },
    { key: "feedback", holds: ["feedback"] },
];

/** A contact looks for what was sent first; drafts are none of theirs. */
const columnsFor = (role: string | undefined) =>
    role === "contact" ? COLUMNS.filter(({ key }) => !["draft", "queued"].includes(key)) : COLUMNS;

export default function NotificationsPage({ part }: { part?: string }) {
    const me = useStore(app, (s) => s.me);
    const list = useListed("", (after) => notices({ after }));
    const inbox = me?.role === "contact";
    const waiting = list.items?.filter((one) => one.status === "sent").length ?? 0;
    return (
        <PageFrame
            kind="notifications"
            title={t(inbox ? "notice.inbox" : "nav.notifications")}
            failed={list.failed}
            tally={list.items && t("notice.waiting", { n: waiting })}
        >
            {list.items?.length === 0 && (
                <Empty title={t("notice.none")} hint={t("notice.none-hint")} />
            )}
            {list.items && list.items.length > 0 && (
                <div class="board">
                    {columnsFor(me?.role).map(({ key, holds }) => (
                        <Column
                            key={key}
                            title={t(`notice.column-${key}` as "notice.column-draft")}
                            items={list.items!.filter((one) => holds.includes(one.status))}
                        />
                    ))}
                </div>
            )}
            {list.more && (
                <p class="more-button">
                    <button type="button" onClick={list.readMore}>
                        {t("page.more")}
                    </button>
                </p>
            )}
            {part && <NoticeDialog key={part} id={part} onChanged={list.reload} />}
        </PageFrame>
    );
}

function Column({ title, items }: { title: string; items: Notice[] }) {
    const now = useStore(app, (s) => s.now);
    const due = (one: Notice) => Date.parse(one.next_at ?? one.created_at);
    const sorted = [...items].sort((a, b) => a.tier - b.tier || due(a) - due(b));
    return (
        <section class="board-column">
            <h2>
                {title} <span class="count">{items.length}</span>
            </h2>
            <ul>
                {sorted.map((one) => (
                    <li key={one.id}>
                        <NoticeCard one={one} now={now} />
                    </li>
                ))}
            </ul>
        </section>
    );
}

function NoticeCard({ one, now }: { one: Notice; now: number }) {
    const left = one.next_at ? Date.parse(one.next_at) - now : null;
    return (
        <a
            class={`notice-card notice-${one.status}`}
            href={`#/notifications/${encodeURIComponent(one.id)}`}
        >
            <span class="notice-line">
                <TierChip tier={one.tier} />
                <b class="l1">
                    <Text value={one.subject} limit={160} />
                </b>
            </span>
            <span class="notice-line l2">
                <StateCode code={one.state} />
                <Text value={one.contact_name ?? t("notice.nobody")} limit={60} />
                {one.channel && <span>· {tMaybe(`channel.${one.channel}`, one.channel)}</span>}
                <TlpLabel tlp={one.tlp} />
            </span>
            <span class="notice-line l2">
                <Rungs rung={one.rung} />
                {one.status === "approval" && <strong class="warn">{t("notice.second")}</strong>}
                {one.status === "failed" && <strong class="error">▲ {t("notice.failed")}</strong>}
                {one.status === "sent" && left !== null && (
                    <strong class={left <= 0 ? "error" : ""}>
                        {t(left > 0 ? "notice.next-in" : "notice.next-over", { span: span(left) })}
                    </strong>
                )}
                {one.feedback && (
                    <strong>{tMaybe(`feedback.${one.feedback}`, one.feedback)}</strong>
                )}
            </span>
        </a>
    );
}

/** Mailbox, duty phone, deputy, regional duty officer: how high it has climbed. */
function Rungs({ rung }: { rung: number }) {
    const label = t("notice.rung", { n: rung, name: tMaybe(`rung.${rung}`, String(rung)) });
    return (
        <span class="rungs" role="img" aria-label={label} title={label}>
            {[1, 2, 3, 4].map((n) => (
                <span class={n <= rung ? "rung on" : "rung"} />
            ))}
        </span>
    );
}

function NoticeDialog({ id, onChanged }: { id: string; onChanged: () => void }) {
    const [one, setOne] = useState<Notice | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    useEffect(
        () =>
            void readNotice(id).then(setOne, (err) => {
                setFailed(sayProblem(err));
            }),
        [],
    );
    const close = () => go({ page: "notifications" });
    return (
        <Dialog
            title={one ? `${one.id}, ${stamp(one.created_at).slice(0, 16)}` : id}
            onClose={close}
            wide
        >
            <Failed why={failed} />
            {one && (
                <NoticeView
                    one={one}
                    onChanged={(changed) => {
                        setOne(changed);
                        onChanged();
                    }}
                />
            )}
        </Dialog>
    );
}
