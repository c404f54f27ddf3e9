// SPDX-License-Identifier: Apache-2.0
// Campaigns: where in the region the same indicator is seen, as a map, a table and lanes of time;
// and what a state lets the others see of it.
import { useState } from "preact/hooks";
import {
    campaigns,
    incidentsOf,
    projections,
    release,
    stateCount,
    statesOf,
    type Campaign,
} from "../api/campaigns.ts";
import { whole } from "../format/text.ts";
import { age, clockTime, stamp } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, go, mayDecide, notify, stateName } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { PlotCard } from "../plot/frame.tsx";
import { Lanes } from "../plot/svg.tsx";
import { Stamp, StateCode, Text, TlpLabel } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Field, useSubmit } from "./form.tsx";
import { RegionMap } from "./map.tsx";
import { ListedTable, PageFrame, useListed, type Column } from "./table.tsx";

const href = (id: string) => `#/campaigns/${encodeURIComponent(id)}`;

export default function CampaignsPage({ part }: { part?: string }) {
    const now = useStore(app, (s) => s.now);
    const list = useListed("", campaigns);
    const chosen = list.items?.find(({ id }) => id === part) ?? null;
    const columns: Column<Campaign>[] = [
        {
            head: t("campaign.indicator"),
            cell: (row) => (
                <>
                    <a class="mono" href={href(row.id)}>
                        <Text value={row.indicator.value} limit={80} />
                    </a>
                    <span class="sub">
                        {tMaybe(`indicator.${row.indicator.type}`, row.indicator.type)}
                    </span>
                </>
            ),
        },
        {
            head: t("campaign.states"),
            cell: (row) => (
                <>
                    {statesOf(row).map((code) => (
                        <StateCode code={code} />
                    ))}
                    <span class="sub">{t("row.states", { n: stateCount(row) })}</span>
                </>
            ),
        },
        {
            head: t("campaign.incidents"),
            num: true,
            cell: (row) => whole(incidentsOf(row).length),
        },
        {
            head: t("campaign.last"),
            cell: (row) => (
                <>
                    <span title={`${stamp(row.last_seen)} UTC`}>{age(row.last_seen, now)}</span>
                    <span class="sub">
                        {t("campaign.since", { at: clockTime(row.first_seen, now) })}
                    </span>
                </>
            ),
        },
        { head: t("fact.tlp"), wide: true, cell: (row) => row.tlp && <TlpLabel tlp={row.tlp} /> },
    ];
    return (
        <PageFrame
            kind="campaigns"
            title={t("nav.campaigns")}
            failed={list.failed}
            tally={list.items && t("campaign.total", { n: list.total })}
        >
            <div class="two-columns">
                <div class="column">
                    <RegionMap
                        chosen={chosen ? statesOf(chosen) : null}
                        campaigns={list.items ?? []}
                    />
                    <ListedTable
                        list={list}
                        label={t("nav.campaigns")}
                        empty={t("campaign.none")}
                        hint={t("campaign.none-hint")}
                        columns={columns}
                        keyOf={(row) => row.id}
                        current={part}
                        onRow={(row) => go({ page: "campaigns", part: row.id })}
                    />
                </div>
                <div class="column">
                    {chosen ? (
                        <Details campaign={chosen} onChanged={list.reload} />
                    ) : (
                        <p class="dim pane-hint">
                            {t(part ? "campaign.not-found" : "campaign.choose")}
                        </p>
                    )}
                </div>
            </div>
        </PageFrame>
    );
}

function Details({ campaign, onChanged }: { campaign: Campaign; onChanged: () => void }) {
    const { now, me } = useStore(app, (s) => s);
    const [asking, setAsking] = useState<{ state: string; on: boolean } | null>(null);
    const touched = campaign.states;
    const mine =
        touched ??
        (campaign.mine && campaign.state
            ? [
                  {
                      ...campaign.mine,
                      state: campaign.state,
                      stage: null,
                      released: !!campaign.released,
                  },
              ]
            : []);
    const lanes = mine.map((row) => ({
        name: stateName(row.state),
        from: Date.parse(row.first_seen),
        to: Date.parse(row.last_seen),
        text: t("signal.alerts", { n: row.alerts }),
    }));
    return (
        <>
            <section class="card">
                <h2>
                    <span class="mono">
                        <Text value={campaign.indicator.value} limit={120} />
                    </span>
                    {campaign.tlp && <TlpLabel tlp={campaign.tlp} />}
                </h2>
                <dl class="facts">
                    <dt>{t("campaign.indicator")}</dt>
                    <dd>
                        {tMaybe(`indicator.${campaign.indicator.type}`, campaign.indicator.type)}
                    </dd>
                    <dt>{t("fact.seen")}</dt>
                    <dd>
                        <Stamp iso={campaign.first_seen} /> – <Stamp iso={campaign.last_seen} /> UTC
                    </dd>
                    {campaign.rsit && (
                        <>
                            <dt>{t("fact.rsit")}</dt>
                            <dd>
                                <Text value={sayRsit(campaign.rsit)} />
                            </dd>
                        </>
                    )}
                    {campaign.advice && (
                        <>
                            <dt>{t("campaign.advice")}</dt>
                            <dd>
                                <Text value={campaign.advice} limit={2000} />
                            </dd>
                        </>
                    )}
                    {campaign.other_states !== undefined && (
                        <>
                            <dt>{t("fact.states")}</dt>
                            <dd>
                                {t("row.states", { n: campaign.other_states })}
                                {(campaign.others ?? []).map((other) => (
                                    <span>
                                        {" "}
                                        <StateCode code={other.state} />{" "}
                                        {t("signal.alerts", { n: other.alerts })}
                                    </span>
                                ))}
                            </dd>
                        </>
                    )}
                </dl>
            </section>
            {lanes.length > 0 && (
                <PlotCard title={t("plot.lanes")} aside={t("plot.lanes-hint")}>
                    <Lanes
                        label={t("plot.lanes")}
                        lanes={lanes}
                        sayAt={(ms) => clockTime(new Date(ms).toISOString(), now)}
                    />
                </PlotCard>
            )}
            <section class="card">
                <h2>{t("campaign.by-state")}</h2>
                <ul class="plain-rows">
                    {mine.map((row) => (
                        <li>
                            <StateCode code={row.state} /> <b>{stateName(row.state)}</b>
                            <span class="grow">
                                {row.incidents.map((id) => (
                                    <a
                                        class="mono id-link"
                                        href={`#/incident/${encodeURIComponent(id)}`}
                                    >
                                        {id}
                                    </a>
                                ))}
                            </span>
                            {row.stage && (
                                <span class="dim">{tMaybe(`stage.${row.stage}`, row.stage)}</span>
                            )}
                            <span class="dim">
                                {t(row.released ? "campaign.released" : "campaign.not-released")}
                            </span>
                            {mayDecide(me) && (
                                <button
                                    type="button"
                                    onClick={() =>
                                        setAsking({ state: row.state, on: !row.released })
                                    }
                                >
                                    {t(row.released ? "campaign.hide" : "campaign.release")}
                                </button>
                            )}
                        </li>
                    ))}
                </ul>
            </section>
            {touched && <Projections key={campaign.id} id={campaign.id} />}
            {asking && (
                <ReleaseDialog
                    campaign={campaign}
                    {...asking}
                    onClose={(changed) => {
                        setAsking(null);
                        if (changed) onChanged();
                    }}
                />
            )}
        </>
    );
}

const sayRsit = (rsit: { class: string; type: string } | string): string =>
    typeof rsit === "string" ? rsit : `${rsit.class} / ${rsit.type}`;

/** What each state sees of it, as it was written for that state. */
function Projections({ id }: { id: string }) {
    const [shown, setShown] = useState<Campaign[] | null>(null);
    const open = () =>
        projections(id).then(
            (page) => setShown(page.items),
            (err) => notify("problem", sayProblem(err)),
        );
    return (
        <section class="card">
            <h2>{t("campaign.projections")}</h2>
            {!shown && (
                <button type="button" onClick={() => void open()}>
                    {t("campaign.show-projections")}
                </button>
            )}
            <ul class="plain-rows">
                {shown?.map((view) => (
                    <li>
                        <StateCode code={view.state ?? ""} />
                        <span class="grow">
                            {t("campaign.sees", {
                                n: view.other_states ?? 0,
                                at: stamp(view.first_seen).slice(0, 10),
                            })}
                            {view.advice && (
                                <span class="sub">
                                    <Text value={view.advice} limit={400} />
                                </span>
                            )}
                        </span>
                        {view.tlp && <TlpLabel tlp={view.tlp} />}
                    </li>
                ))}
            </ul>
        </section>
    );
}

function ReleaseDialog({
    campaign,
    state,
    on,
    onClose,
}: {
    campaign: Campaign;
    state: string;
    on: boolean;
    onClose: (changed: boolean) => void;
}) {
    const [reason, setReason] = useState("");
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await release(campaign.id, state, on, reason.trim());
            notify(
                "done",
                t(on ? "campaign.done-release" : "campaign.done-hide", { name: stateName(state) }),
            );
            onClose(true);
        });
    };
    const title = t(on ? "campaign.ask-release" : "campaign.ask-hide", { name: stateName(state) });
    return (
        <Dialog title={title} onClose={() => onClose(false)}>
            <form class="form" onSubmit={send}>
                <p>
                    {t(on ? "campaign.release-hint" : "campaign.hide-hint", {
                        name: stateName(state),
                    })}
                </p>
                <Field label={t("campaign.reason")} value={reason} onValue={setReason} focus />
                <Buttons
                    busy={busy}
                    failed={failed}
                    submit={t(on ? "campaign.release" : "campaign.hide")}
                    onClose={() => onClose(false)}
                />
            </form>
        </Dialog>
    );
}
