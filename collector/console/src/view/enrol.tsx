// SPDX-License-Identifier: Apache-2.0
// Dialogs of an administrator: a token for a new sensor, approval by fingerprint, revocation.
import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import type { Enrolment, Sensor } from "../api/types.ts";
import { grouped } from "../format/text.ts";
import { stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { Dialog } from "./dialog.tsx";
import { Buttons, Failed, useSubmit } from "./form.tsx";

export function EnrolDialog({ onClose }: { onClose: () => void }) {
    const [made, setMade] = useState<Enrolment | null>(null);
    return (
        <Dialog title={t("enrol.title")} onClose={onClose} wide>
            {made ? (
                <Token made={made} onClose={onClose} />
            ) : (
                <EnrolForm onMade={setMade} onClose={onClose} />
            )}
        </Dialog>
    );
}

function EnrolForm({
    onMade,
    onClose,
}: {
    onMade: (made: Enrolment) => void;
    onClose: () => void;
}) {
    const states = useStore(app, (s) => s.states);
    const [name, setName] = useState("");
    const [chosen, setChosen] = useState<string[]>([]);
    const [site, setSite] = useState("");
    const [hold, setHold] = useState(true);
    const [missing, setMissing] = useState(false);
    const [busy, failed, submit] = useSubmit();
    const onSubmit = (e: Event) => {
        e.preventDefault();
        setMissing(chosen.length === 0);
        if (chosen.length === 0) return;
        const place = site.trim() ? { site: site.trim() } : {};
        submit(async () =>
            onMade(await api.enrol({ name: name.trim(), states: chosen, hold, ...place })),
        );
    };
    const flip = (code: string) =>
        setChosen(chosen.includes(code) ? chosen.filter((c) => c !== code) : [...chosen, code]);
    return (
        <form class="form" onSubmit={onSubmit}>
            <label>
                <span>{t("enrol.name")}</span>
                <input
                    required
                    pattern="[A-Za-z0-9._\-]{1,63}"
                    title={t("enrol.name-hint")}
                    placeholder={t("enrol.name-hint")}
                    value={name}
                    onInput={(e) => setName(e.currentTarget.value)}
                    autoFocus
                    autocomplete="off"
                    spellcheck={false}
                />
            </label>
            <fieldset class="state-boxes">
                <legend>{t("enrol.states")}</legend>
                {states
                    .filter(({ code }) => code !== "rg")
                    .map(({ code, name: full }) => (
                        <label>
                            <input
                                type="checkbox"
                                checked={chosen.includes(code)}
                                onChange={() => flip(code)}
                            />{" "}
                            <span class="state-code">{code.toUpperCase()}</span> {full}
                        </label>
                    ))}
            </fieldset>
            {missing && (
                <p class="error" role="alert">
                    {t("enrol.states-needed")}
                </p>
            )}
            <label>
                <span>{t("enrol.site")}</span>
                <input
                    value={site}
                    onInput={(e) => setSite(e.currentTarget.value)}
                    autocomplete="off"
                />
            </label>
            <label class="radio">
                <input type="checkbox" checked={hold} onChange={() => setHold(!hold)} />{" "}
                {t("enrol.hold")}
            </label>
            <Buttons busy={busy} failed={failed} submit={t("enrol.submit")} onClose={onClose} />
        </form>
    );
}

function Token({ made, onClose }: { made: Enrolment; onClose: () => void }) {
    const [copied, setCopied] = useState(false);
    const copy = () =>
        void navigator.clipboard?.writeText(made.command).then(() => setCopied(true));
    return (
        <div class="form">
            <p>{t("enrol.ready")}</p>
            <pre class="command" tabIndex={0}>
                {made.command}
            </pre>
            <p class="dim">{t("enrol.once", { at: stamp(made.expires) })}</p>
            <div class="buttons">
                <button type="button" onClick={copy} autoFocus>
                    {copied ? t("eve.copied") : t("eve.copy")}
                </button>
                <button type="button" class="primary" onClick={onClose}>
                    {t("dialog.close")}
                </button>
            </div>
        </div>
    );
}

export function ApproveDialog({ sensor, onClose }: { sensor: Sensor; onClose: () => void }) {
    const [same, setSame] = useState(false);
    const [busy, failed, submit] = useSubmit();
    const onSubmit = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await api.approveSensor(sensor.id, sensor.fingerprint ?? "");
            onClose();
        });
    };
    return (
        <Dialog title={t("approve.title", { name: sensor.name })} onClose={onClose} wide>
            <form class="form" onSubmit={onSubmit}>
                <p>{t("approve.lead")}</p>
                <pre class="command fingerprint" tabIndex={0}>
                    {sensor.fingerprint ? grouped(sensor.fingerprint) : "–"}
                </pre>
                <label class="radio">
                    <input type="checkbox" checked={same} onChange={() => setSame(!same)} />{" "}
                    {t("approve.same")}
                </label>
                <Failed why={failed} />
                <div class="buttons">
                    <button type="button" onClick={onClose}>
                        {t("dialog.cancel")}
                    </button>
                    <button
                        type="submit"
                        class="primary"
                        disabled={!same || busy || !sensor.fingerprint}
                    >
                        {t("sensors.approve")}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

export function RevokeDialog({ sensor, onClose }: { sensor: Sensor; onClose: () => void }) {
    const [reason, setReason] = useState("");
    const [busy, failed, submit] = useSubmit();
    const onSubmit = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await api.revokeSensor(sensor.id, reason.trim());
            onClose();
        });
    };
    return (
        <Dialog title={t("revoke.title", { name: sensor.name })} onClose={onClose}>
            <form class="form" onSubmit={onSubmit}>
                <p>{t("revoke.lead")}</p>
                <label>
                    <span>{t("revoke.reason")}</span>
                    <input
                        required
                        value={reason}
                        onInput={(e) => setReason(e.currentTarget.value)}
                        autoFocus
                    />
                </label>
                <Failed why={failed} />
                <div class="buttons">
                    <button type="button" onClick={onClose}>
                        {t("dialog.cancel")}
                    </button>
                    <button type="submit" class="danger" disabled={busy}>
                        {t("sensors.revoke")}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
