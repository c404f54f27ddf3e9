// SPDX-License-Identifier: Apache-2.0
// Plots that are tables: every number is written, the bar or the shade beside it is only the eye's
// shortcut. They need no second form for a screen reader.
import type { ComponentChildren } from "preact";
import { t } from "../msg/index.ts";

export interface Bar {
    name: ComponentChildren;
    key: string;
    value: number;
    text: string;
    /** Where it should not go beyond, in the same unit. */
    limit?: number;
    bad?: boolean;
    href?: string;
}

/** Bars from the left; `log` for numbers of very different size. */
export function Bars({ label, bars, log }: { label: string; bars: Bar[]; log?: boolean }) {
    const top = Math.max(1e-9, ...bars.map((bar) => Math.max(bar.value, bar.limit ?? 0)));
    const share = (value: number) =>
        100 * (log ? Math.log1p(value) / Math.log1p(top) : Math.min(1, value / top));
    return (
        <table class="bars">
            <caption class="sr">{label}</caption>
            <tbody>
                {bars.map((bar) => (
                    <tr key={bar.key} class={bar.bad ? "over" : ""}>
                        <th scope="row">
                            {bar.href ? <a href={bar.href}>{bar.name}</a> : bar.name}
                        </th>
                        <td class="bars-of" aria-hidden="true">
                            <svg viewBox="0 0 100 10" preserveAspectRatio="none">
                                <rect class="track" width="100" height="10" />
                                <rect class="used" width={share(bar.value)} height="10" />
                                {bar.limit !== undefined && (
                                    <rect
                                        class="limit"
                                        x={Math.min(99.4, share(bar.limit))}
                                        width="0.6"
                                        height="10"
                                    />
                                )}
                            </svg>
                        </td>
                        <td class="num">
                            {bar.bad && <span aria-hidden="true">▲ </span>}
                            {bar.text}
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

export interface Cell {
    row: string;
    column: string;
    value: number;
    href?: string;
}

/** A shade by logarithm, the number in each cell; empty cells stay empty. */
export function HeatMap({
    label,
    rows,
    columns,
    cells,
    rowHead,
}: {
    label: string;
    rows: { key: string; name: ComponentChildren }[];
    columns: { key: string; name: string }[];
    cells: Cell[];
    rowHead: string;
}) {
    const top = Math.log1p(Math.max(1, ...cells.map((cell) => cell.value)));
    const at = new Map(cells.map((cell) => [`${cell.row} ${cell.column}`, cell]));
    return (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={label}>
            <table class="heat">
                <caption class="sr">{label}</caption>
                <thead>
                    <tr>
                        <th scope="col">{rowHead}</th>
                        {columns.map((column) => (
                            <th scope="col">{column.name}</th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={row.key}>
                            <th scope="row">{row.name}</th>
                            {columns.map((column) => {
                                const cell = at.get(`${row.key} ${column.key}`);
                                if (!cell) return <td />;
                                const level = Math.ceil((5 * Math.log1p(cell.value)) / top);
                                return (
                                    <td class={`heat-${level}`}>
                                        {cell.href ? (
                                            <a href={cell.href}>{cell.value}</a>
                                        ) : (
                                            cell.value
                                        )}
                                    </td>
                                );
                            })}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

export type HourKind = "good" | "none" | "late" | "lost" | "unknown";

/** Days by hours: what each hour of a sensor's ledger says, as a mark and a shade. */
export function HourCalendar({
    label,
    days,
}: {
    label: string;
    days: { day: string; hours: { kind: HourKind; text: string }[] }[];
}) {
    const marks: Record<HourKind, string> = {
        good: "",
        none: "·",
        late: "~",
        lost: "✕",
        unknown: "",
    };
    return (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={label}>
            <table class="hours">
                <caption class="sr">{label}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t("plot.day")}</th>
                        {Array.from({ length: 24 }, (_, hour) => (
                            <th scope="col">{hour}</th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {days.map(({ day, hours }) => (
                        <tr key={day}>
                            <th scope="row">{day}</th>
                            {hours.map(({ kind, text }) => (
                                <td class={`hour-${kind}`} title={text}>
                                    <span aria-hidden="true">{marks[kind]}</span>
                                    <span class="sr">{text}</span>
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
