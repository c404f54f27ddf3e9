// SPDX-License-Identifier: Apache-2.0
// The region as tiles that stand to each other as the states do: on a map in scale eleven of the
// fifteen would be smaller than their names. Each tile is a link to that state's queue.
import type { Campaign } from "../api/campaigns.ts";
import { statesOf } from "../api/campaigns.ts";
import { whole } from "../format/text.ts";
import { t } from "../msg/index.ts";
import { app, stateName } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { PlotCard } from "../plot/frame.tsx";

/** State → column and row, from Belize in the west to Suriname in the south-east. */
const PLACES: Readonly<Record<string, readonly [number, number]>> = {
    bs: [3, 1],
    bz: [1, 3],
    jm: [3, 3],
    ht: [4, 2],
    kn: [6, 2],
    ag: [7, 2],
    ms: [6, 3],
    dm: [7, 3],
    lc: [7, 4],
    bb: [8, 4],
    vc: [6, 4],
    gd: [6, 5],
    tt: [7, 5],
    gy: [6, 6],
    sr: [7, 6],
};

export function RegionMap({
    chosen,
    campaigns,
}: {
    /** States of the campaign that is looked at; null when none is. */
    chosen: string[] | null;
    campaigns: Campaign[];
}) {
    const stats = useStore(app, (s) => s.stats);
    const open = (code: string) => stats?.by_state[code] ?? 0;
    const top = Math.log1p(Math.max(1, ...Object.keys(PLACES).map(open)));
    const shown = Object.entries(PLACES).filter(([code]) => stats && code in stats.by_state);
    return (
        <PlotCard title={t("map.title")} aside={t("map.hint")}>
            <ul class={chosen ? "map choosing" : "map"}>
                {shown.map(([code, [column, row]]) => {
                    const n = open(code);
                    const level = n ? Math.ceil((5 * Math.log1p(n)) / top) : 0;
                    const part = campaigns.filter((one) => statesOf(one).includes(code)).length;
                    const on = chosen?.includes(code);
                    return (
                        <li
                            key={code}
                            class={`tile c${column} r${row} heat-${level}${on ? " on" : ""}`}
                        >
                            <a
                                href={`#/queue?${new URLSearchParams({ q: `state:${code}` })}`}
                                title={stateName(code)}
                            >
                                <span class="tile-code">{code.toUpperCase()}</span>
                                <span class="sr">{stateName(code)}: </span>
                                <span class="tile-n">
                                    {whole(n)}
                                    <span class="sr"> {t("map.open", { n })}</span>
                                </span>
                                {part > 0 && (
                                    <span class="tile-part">
                                        <span aria-hidden="true">◆{part}</span>
                                        <span class="sr">, {t("campaign.total", { n: part })}</span>
                                    </span>
                                )}
                                {on && <span class="sr">, {t("map.touched")}</span>}
                            </a>
                        </li>
                    );
                })}
            </ul>
        </PlotCard>
    );
}
