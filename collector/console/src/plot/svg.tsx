// SPDX-License-Identifier: Apache-2.0
// Two plots drawn by hand: a scatter of rules, and lanes of time.
import { t } from "../msg/index.ts";
import { short } from "../format/text.ts";
import { NumbersBelow } from "./frame.tsx";

export interface Point {
    name: string;
    /** 0 to 1. */
    y: number;
    /** Shown by logarithm. */
    x: number;
    /** How many outcomes stand behind y: the size of the mark. */
    n: number;
}

/** As wide as a card beside another on a large screen, so that its letters are those of the page. */
const W = 900;
const H = 250;
const LEFT = 46;
const BOTTOM = 30;

/** Precision upwards, volume to the right: what is low and far right costs most attention. */
export function Scatter({ label, points }: { label: string; points: Point[] }) {
    const top = Math.max(10, ...points.map((point) => point.x));
    const ticks = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter((tick) => tick <= top * 1.5);
    const x = (value: number) =>
        LEFT + ((W - LEFT - 12) * Math.log10(Math.max(1, value))) / Math.log10(top * 1.5);
    const y = (value: number) => 10 + (H - BOTTOM - 10) * (1 - value);
    return (
        <figure class="plot">
            <svg class="scatter" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={label}>
                <rect
                    class="poor"
                    x={LEFT}
                    y={y(0.5)}
                    width={W - LEFT - 12}
                    height={y(0) - y(0.5)}
                />
                {[0, 0.5, 1].map((tick) => (
                    <g>
                        <line class="grid" x1={LEFT} x2={W - 12} y1={y(tick)} y2={y(tick)} />
                        <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
                            {100 * tick} %
                        </text>
                    </g>
                ))}
                {ticks.map((tick) => (
                    <text x={x(tick)} y={H - 12} text-anchor="middle">
                        {short(tick)}
                    </text>
                ))}
                <text x={W - 12} y={H - 1} text-anchor="end">
                    {t("plot.alerts")}
                </text>
                {points.map((point) => (
                    <circle
                        class={point.y < 0.5 ? "point low" : "point"}
                        cx={x(point.x)}
                        cy={y(point.y)}
                        r={3 + Math.min(9, 2 * Math.log2(1 + point.n))}
                    >
                        <title>{`${point.name}: ${Math.round(100 * point.y)} %, ${short(point.x)}`}</title>
                    </circle>
                ))}
            </svg>
            <NumbersBelow
                label={label}
                heads={[t("plot.rule"), t("plot.precision"), t("plot.outcomes"), t("plot.alerts")]}
                rows={points.map((p) => [p.name, `${Math.round(100 * p.y)} %`, p.n, short(p.x)])}
            />
        </figure>
    );
}

export interface Lane {
    name: string;
    from: number;
    to: number;
    text: string;
}

/** One bar a lane, from first to last seen, on a common time. */
export function Lanes({
    label,
    lanes,
    sayAt,
}: {
    label: string;
    lanes: Lane[];
    sayAt: (ms: number) => string;
}) {
    const from = Math.min(...lanes.map((lane) => lane.from));
    const to = Math.max(from + 60_000, ...lanes.map((lane) => lane.to));
    const x = (ms: number) => (100 * (ms - from)) / (to - from);
    return (
        <table class="lanes">
            <caption class="sr">{label}</caption>
            <thead>
                <tr>
                    <td />
                    <td class="lanes-of" aria-hidden="true">
                        <span>{sayAt(from)}</span>
                        <span>{sayAt(to)}</span>
                    </td>
                    <td />
                </tr>
            </thead>
            <tbody>
                {lanes.map((lane) => (
                    <tr key={lane.name}>
                        <th scope="row">{lane.name}</th>
                        <td aria-hidden="true">
                            <svg viewBox="0 0 100 10" preserveAspectRatio="none">
                                <rect class="track" y="4.5" width="100" height="1" />
                                <rect
                                    class="used"
                                    x={Math.min(99, x(lane.from))}
                                    width={Math.max(1, x(lane.to) - x(lane.from))}
                                    height="10"
                                />
                            </svg>
                        </td>
                        <td>
                            <span class="sr">
                                {sayAt(lane.from)} – {sayAt(lane.to)}:{" "}
                            </span>
                            {lane.text}
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
