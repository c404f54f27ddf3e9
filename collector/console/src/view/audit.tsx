// SPDX-License-Identifier: Apache-2.0
// The audit: who did what, newest first, and whether each entry still carries the hash of the one
// before it.
import { useState } from "preact/hooks";
import { audit, auditRoots, type AuditEntry } from "../api/registry.ts";
import { whole } from "../format/text.ts";
import { stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app, stateName } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { Stamp, Text } from "./bits.tsx";
import { Select } from "./form.tsx";
import { ListedTable, PageFrame, useListed, type Column } from "./table.tsx";

/** Do neighbours on this page join? null when there are none to compare. */
export function chainHolds(entries: AuditEntry[]): boolean | null {
    if (entries.length < 2) return null;
    const up = entries.every((entry, i) => i === 0 || entry.prev === entries[i - 1]!.hash);
    const down = entries.every((entry, i) => i === 0 || entries[i - 1]!.prev === entry.hash);
    return up || down;
}

export default function AuditPage({ part }: { part?: string }) {
    const { states, me } = useStore(app, (s) => s);
    const region = me?.states[0] === "*";
    const [state, setState] = useState(part ?? (region ? "rg" : (me?.states[0] ?? "")));
    const list = useListed(state, (after) => audit(state, after));
    const roots = useListed("roots", () => auditRoots());
    const holds = list.items && chainHolds(list.items);
    const columns: Column<AuditEntry>[] = [
        { head: t("audit.at"), cell: (row) => <Stamp iso={row.at} /> },
        { head: t("audit.who"), cell: (row) => <Text value={row.who} limit={60} /> },
        {
            head: t("audit.verb"),
            cell: (row) => (
                <span class="mono">
                    <Text value={row.verb} limit={60} />
                </span>
            ),
        },
        { head: t("audit.what"), cell: (row) => <What value={row.what} /> },
        {
            head: t("audit.text"),
            grow: true,
            cell: (row) => (
                <span class="wrap">
                    <Text value={row.text} limit={400} />
                </span>
            ),
        },
        {
            head: t("audit.hash"),
            wide: true,
            cell: (row) => (
                <span class="mono dim" title={row.hash}>
                    <Text value={row.hash.slice(0, 12)} />
                </span>
            ),
        },
    ];
    const root = roots.items?.find((one) => one.state === state);
    return (
        <PageFrame
            kind="audit"
            title={t("nav.audit")}
            failed={list.failed}
            tally={
                <>
                    {holds === true && <span class="good">✓ {t("audit.holds")}</span>}
                    {holds === false && (
                        <strong class="error" role="alert">
                            ▲ {t("audit.broken")}
                        </strong>
                    )}
                    {root && (
                        <span class="dim">
                            {t("audit.root", {
                                at: stamp(root.at).slice(0, 16),
                                n: whole(root.count),
                                root: root.root.slice(0, 12),
                            })}
                        </span>
                    )}
                </>
            }
            tools={
                <Select
                    label={t("audit.of")}
                    value={state}
                    onValue={setState}
                    options={[
                        ...(region ? [["rg", t("audit.region")] as const] : []),
                        ...states
                            .filter(({ code }) => code !== "rg")
                            .map(({ code }) => [code, stateName(code)] as const),
                    ]}
                />
            }
        >
            <ListedTable
                list={list}
                label={t("nav.audit")}
                empty={t("audit.none")}
                columns={columns}
                keyOf={(row) => row.id}
            />
        </PageFrame>
    );
}

/** An incident's name leads to it. */
function What({ value }: { value: string }) {
    if (/^[a-z]{2}-\d+$/.test(value))
        return (
            <a class="mono" href={`#/incident/${value}`}>
                {value}
            </a>
        );
    return <Text value={value} limit={80} />;
}
