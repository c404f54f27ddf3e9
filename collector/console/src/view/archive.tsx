// SPDX-License-Identifier: Apache-2.0
// Has anyone seen it? A search over everything that is kept, also what never became an incident.
import { useState } from "preact/hooks";
import type { Query } from "../api/client.ts";
import { searchArchive, type Kept, type KeptPage } from "../api/registry.ts";
import type { EveRecord } from "../api/types.ts";
import { whole } from "../format/text.ts";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { StateCode, Text } from "./bits.tsx";
import { EveLines } from "./eve.tsx";
import { Failed, Field, Select, useSubmit } from "./form.tsx";
import { Empty, PageFrame } from "./table.tsx";

const KINDS = ["address", "name", "hash", "sid"] as const;
const SPANS = ["1", "7", "30", "90"] as const;
const DAY = 24 * 3600_000;

export default function ArchivePage() {
    const states = useStore(app, (s) => s.states);
    const [kind, setKind] = useState<string>("address");
    const [value, setValue] = useState("");
    const [days, setDays] = useState<string>("90");
    const [state, setState] = useState("");
    const [asked, setAsked] = useState<Query | null>(null);
    const [found, setFound] = useState<KeptPage | null>(null);
    const [busy, failed, submit] = useSubmit();
    const search = (e: Event) => {
        e.preventDefault();
        const query: Query = {
            [kind]: value.trim(),
            state,
            from: new Date(Date.now() - Number(days) * DAY).toISOString(),
            limit: 100,
        };
        setAsked(query);
        setFound(null);
        submit(async () => setFound(await searchArchive(query)));
    };
    const more = () =>
        submit(async () => {
            const next = await searchArchive({ ...asked, after: found!.next });
            setFound({ ...next, items: [...found!.items, ...next.items] });
        });
    return (
        <PageFrame kind="archive" title={t("archive.title")}>
            <form class="form-row card" onSubmit={search}>
                <Select
                    label={t("archive.kind")}
                    value={kind}
                    onValue={setKind}
                    options={KINDS.map((key) => [key, t(`archive.${key}`)] as const)}
                />
                <Field
                    label={t("archive.value")}
                    value={value}
                    onValue={setValue}
                    hint={t(`archive.hint-${kind}` as "archive.hint-address")}
                    required
                    focus
                />
                <Select
                    label={t("archive.span")}
                    value={days}
                    onValue={setDays}
                    options={SPANS.map((n) => [n, t("archive.days", { n: Number(n) })] as const)}
                />
                {states.length > 1 && (
                    <Select
                        label={t("queue.filter-state")}
                        value={state}
                        onValue={setState}
                        options={[
                            ["", t("state.all")],
                            ...states.map(({ code, name }) => [code, name] as const),
                        ]}
                    />
                )}
                <button type="submit" class="primary" disabled={busy}>
                    {t("archive.search")}
                </button>
            </form>
            <Failed why={failed} />
            {busy && !found && <p class="loading">{t("archive.searching")}</p>}
            {found && <Found found={found} busy={busy} onMore={more} />}
        </PageFrame>
    );
}

function Found({ found, busy, onMore }: { found: KeptPage; busy: boolean; onMore: () => void }) {
    const { files, skipped, records } = found.searched;
    return (
        <>
            <p class="dim" role="status">
                {t("archive.searched", {
                    n: found.items.length,
                    files: whole(files),
                    skipped: whole(skipped),
                    records: whole(records),
                })}
                {!found.complete && ` ${t("archive.incomplete")}`}
            </p>
            {found.items.length === 0 && found.complete && (
                <Empty title={t("archive.none")} hint={t("archive.none-hint")} />
            )}
            <div class="kept">
                {grouped(found.items).map(({ key, first, records: list }) => (
                    <section class="card" key={key}>
                        <h2>
                            <span>
                                <StateCode code={first.state} />{" "}
                                <Text value={first.sensor} limit={60} />
                            </span>
                            <span class="aside">
                                <Text value={first.site} limit={60} />
                            </span>
                        </h2>
                        <EveLines id={key} records={list} />
                    </section>
                ))}
            </div>
            {found.next && (
                <p class="more-button">
                    <button type="button" disabled={busy} onClick={onMore}>
                        {t("page.more")}
                    </button>
                </p>
            )}
        </>
    );
}

/** By state and sensor: who has seen it is the question. */
function grouped(items: Kept[]): { key: string; first: Kept; records: EveRecord[] }[] {
    const groups = new Map<string, { key: string; first: Kept; records: EveRecord[] }>();
    for (const item of items) {
        const key = `${item.state}.${item.sensor}`;
        const group = groups.get(key) ?? { key, first: item, records: [] };
        group.records.push(item.record);
        groups.set(key, group);
    }
    return [...groups.values()];
}
