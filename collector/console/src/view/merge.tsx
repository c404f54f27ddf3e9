// SPDX-License-Identifier: Apache-2.0
// Into which incident? Those of the same state that look alike stand first.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import type { Incident } from "../api/types.ts";
import { t } from "../msg/index.ts";
import { desk, sayProblem } from "../model/desk.ts";
import { toQuery } from "../model/search.ts";
import { Text, TierChip } from "./bits.tsx";
import { Dialog, digitKey } from "./dialog.tsx";
import { Buttons, Failed } from "./form.tsx";

const SHOWN = 8;

/** Same victim, then same peer, then same kind: what merging is mostly about. */
export function likeness(a: Incident, b: Incident): number {
    return (
        (a.victim === b.victim ? 8 : 0) +
        (a.peer && a.peer === b.peer ? 4 : 0) +
        (a.title === b.title ? 2 : 0) +
        (a.rsit.class === b.rsit.class ? 1 : 0)
    );
}

export function MergeDialog({ row, onClose }: { row: Incident; onClose: () => void }) {
    const [list, setList] = useState<Incident[] | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const [id, setId] = useState("");
    useEffect(() => {
        api.incidents(toQuery(`state:${row.state}`), null).then(
            ({ items }) =>
                setList(
                    items
                        .filter((other) => other.id !== row.id)
                        .sort((a, b) => likeness(b, row) - likeness(a, row))
                        .slice(0, SHOWN),
                ),
            (err) => setFailed(sayProblem(err)),
        );
    }, []);
    const into = (target: string) => {
        onClose();
        void desk.decide(row, { verb: "merge", into: target });
    };
    const pick = (index: number) => {
        const target = list?.[index];
        if (target) into(target.id);
    };
    return (
        <Dialog
            title={t("merge.title", { id: row.id })}
            onClose={onClose}
            onKey={(e) => digitKey(e, list?.length ?? 0, pick)}
        >
            <p class="dim">{t("merge.hint")}</p>
            <Failed why={failed} />
            <ol class="choices">
                {list?.map((other, i) => (
                    <li>
                        <button type="button" onClick={() => pick(i)}>
                            <kbd>{i + 1}</kbd>
                            <TierChip tier={other.tier} />
                            <span class="grow">
                                <span class="mono">{other.id}</span>{" "}
                                <Text value={other.title} limit={120} />
                                <span class="sub mono">
                                    <Text value={other.victim} limit={80} />
                                </span>
                            </span>
                        </button>
                    </li>
                ))}
            </ol>
            <form
                class="form"
                onSubmit={(e) => {
                    e.preventDefault();
                    into(id.trim().toLowerCase());
                }}
            >
                <label>
                    <span>{t("merge.other")}</span>
                    <input
                        value={id}
                        pattern="[A-Za-z]{2}-[0-9]+"
                        placeholder={`${row.state}-12`}
                        required
                        onInput={(e) => setId(e.currentTarget.value)}
                    />
                </label>
                <Buttons submit={t("verb.merge")} onClose={onClose} />
            </form>
        </Dialog>
    );
}
