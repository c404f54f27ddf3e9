// SPDX-License-Identifier: Apache-2.0
// Reports by state and month, and what can be taken out of the platform in other tools' formats.
import { useState } from "preact/hooks";
import { fileAt } from "../api/client.ts";
import { t } from "../msg/index.ts";
import { app, served } from "../model/app.ts";
import { FORMATS } from "../model/outcomes.ts";
import { useStore } from "../model/store.ts";
import { Field, Select } from "./form.tsx";
import { Monthly } from "./monthly.tsx";
import { PageFrame } from "./table.tsx";

export default function ReportsPage() {
    const { states, me } = useStore(app, (s) => s);
    const own = states.filter(({ code }) => code !== "rg");
    const [state, setState] = useState(own[0]?.code ?? "");
    const [month, setMonth] = useState(new Date().toISOString().slice(0, 7));
    const [format, setFormat] = useState<string>("stix");
    const choice = (
        <Select
            label={t("queue.filter-state")}
            value={state}
            onValue={setState}
            options={own.map(({ code, name }) => [code, name] as const)}
        />
    );
    const report = (as: string) =>
        fileAt(`/reports/${encodeURIComponent(state)}/${encodeURIComponent(month)}`, {
            format: as,
        });
    const whole = /^\d{4}-\d{2}$/.test(month);
    return (
        <PageFrame kind="reports" title={t("nav.reports")}>
            <div class="figures">
                {served(me, "reports") && (
                    <section class="card">
                        <h2>{t("report.month")}</h2>
                        <p class="dim">{t("report.month-hint")}</p>
                        <div class="form-row">
                            {choice}
                            <Field
                                label={t("report.which")}
                                type="month"
                                value={month}
                                onValue={setMonth}
                            />
                        </div>
                        {whole && (
                            <p class="links">
                                <a href={report("html")} target="_blank" rel="noopener">
                                    {t("report.open")}
                                </a>
                                <a href={report("csv")} download>
                                    CSV
                                </a>
                                <a href={report("json")} download>
                                    JSON
                                </a>
                            </p>
                        )}
                    </section>
                )}
                {served(me, "exports") && (
                    <section class="card">
                        <h2>{t("report.export")}</h2>
                        <p class="dim">{t("report.export-hint")}</p>
                        <div class="form-row">
                            {choice}
                            <Select
                                label={t("report.format")}
                                value={format}
                                onValue={setFormat}
                                options={FORMATS.map((key) => [key, t(`format.${key}`)] as const)}
                            />
                        </div>
                        <p class="links">
                            <a href={fileAt("/exports", { format, state })} download>
                                {t("report.download")}
                            </a>
                        </p>
                    </section>
                )}
            </div>
            {served(me, "reports") && whole && state && <Monthly state={state} month={month} />}
        </PageFrame>
    );
}
