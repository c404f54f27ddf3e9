// SPDX-License-Identifier: Apache-2.0
// The why-list: both numbers of the score, and every factor with its sign, so that a rank can be
// argued with.
import type { Factor, IncidentDetail, Tier } from "../api/types.ts";
import { t } from "../msg/index.ts";
import { signed, Text, tierLabel } from "./bits.tsx";
import { Card } from "./card.tsx";

/** Where the tier table of the score has its edges, drawn as ticks on the two scales. */
const EDGES = { L: [30, 60], I: [40, 70] };

function Scale({ name, side, value }: { name: string; side: "L" | "I"; value: number }) {
    const label = `${name}: ${t("incident.of", { n: value })}`;
    return (
        <div class="scale">
            <span class="scale-name">{name}</span>
            <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={label}>
                <rect class="track" width="100" height="8" />
                <rect class="used" width={value} height="8" />
                {EDGES[side].map((edge) => (
                    <rect class="edge" x={edge - 0.25} width="0.5" height="8" />
                ))}
            </svg>
            <span class="scale-value">{value}</span>
        </div>
    );
}

function Factors({ list }: { list: Factor[] }) {
    const most = Math.max(1, ...list.map((factor) => Math.abs(factor.weight)));
    return (
        <ul class="factors">
            {list.map((factor) => {
                const length = (50 * Math.abs(factor.weight)) / most;
                return (
                    <li class={factor.weight < 0 ? "less" : "more"}>
                        <span class="weight">{signed(factor.weight)}</span>
                        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                            <rect class="mid" x="49.7" width=".6" height="10" />
                            <rect
                                class="bar-of"
                                x={factor.weight < 0 ? 50 - length : 50}
                                y="2"
                                width={length}
                                height="6"
                            />
                        </svg>
                        <span class="factor-text">
                            <Text value={factor.text} limit={300} />
                        </span>
                    </li>
                );
            })}
        </ul>
    );
}

export function Why({ detail, tier }: { detail: IncidentDetail; tier: Tier }) {
    const by = (side: "L" | "I") =>
        detail.factors
            .filter((f) => f.side === side)
            .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    return (
        <Card
            kind="why"
            title={t("incident.why")}
            aside={
                <>
                    {tierLabel(tier)} · {t("incident.formula", { v: detail.formula })}
                </>
            }
        >
            {(["L", "I"] as const).map((side) => (
                <div class="why-side">
                    <Scale
                        name={t(side === "L" ? "incident.likelihood" : "incident.impact")}
                        side={side}
                        value={side === "L" ? detail.likelihood : detail.impact}
                    />
                    {by(side).length > 0 && <Factors list={by(side)} />}
                </div>
            ))}
            {detail.factors.length === 0 && <p class="dim">{t("incident.no-factors")}</p>}
        </Card>
    );
}
