// SPDX-License-Identifier: Apache-2.0
// What stands around a plot: its heading with the question it answers, and its numbers as a table.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../msg/index.ts";

export function PlotCard({
    title,
    aside,
    wide,
    children,
}: {
    title: string;
    aside?: ComponentChildren;
    wide?: boolean;
    children: ComponentChildren;
}) {
    return (
        <section class={wide ? "card plot-card wide" : "card plot-card"}>
            <h2>
                {title}
                {aside && <span class="aside">{aside}</span>}
            </h2>
            {children}
        </section>
    );
}

/** The same numbers for those who do not see the picture, or want them exact. */
export function NumbersBelow({
    label,
    heads,
    rows,
}: {
    label: string;
    heads: string[];
    rows: (string | number)[][];
}) {
    const [open, setOpen] = useState(false);
    return (
        <details class="numbers" onToggle={(e) => setOpen(e.currentTarget.open)}>
            <summary>{t("plot.numbers")}</summary>
            {open && (
                <div class="scroll-x numbers-box" tabIndex={0} role="group" aria-label={label}>
                    <table class="table">
                        <thead>
                            <tr>
                                {heads.map((head, i) => (
                                    <th scope="col" class={i ? "num" : ""}>
                                        {head}
                                    </th>
                                ))}
                            </tr>
                        </thead>
                        <tbody>
                            {rows.map(([name, ...values]) => (
                                <tr>
                                    <th scope="row">{name}</th>
                                    {values.map((value) => (
                                        <td class="num">{value}</td>
                                    ))}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </details>
    );
}
