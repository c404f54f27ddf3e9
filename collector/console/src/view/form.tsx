// SPDX-License-Identifier: Apache-2.0
// What forms share: one request at a time, the server's words when it says no, and labelled fields.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../msg/index.ts";
import { sayProblem } from "../model/desk.ts";

export type Submit = (work: () => Promise<void>) => void;

/** Runs a request of a dialog: one at a time, with the server's words when it says no. */
export function useSubmit(): [boolean, string | null, Submit] {
    const [busy, setBusy] = useState(false);
    const [failed, setFailed] = useState<string | null>(null);
    const submit: Submit = (work) => {
        if (busy) return;
        setBusy(true);
        setFailed(null);
        work()
            .catch((err) => setFailed(sayProblem(err)))
            .finally(() => setBusy(false));
    };
    return [busy, failed, submit];
}

interface FieldProps {
    label: string;
    value: string;
    onValue: (value: string) => void;
    hint?: string;
    type?: string;
    required?: boolean;
    focus?: boolean;
    rows?: number;
    pattern?: string;
    min?: number;
    max?: number;
}

export function Field(props: FieldProps) {
    const { label, value, onValue, hint, type = "text", required, focus, rows, ...rest } = props;
    const shared = {
        value,
        required,
        autoFocus: focus,
        placeholder: hint,
        title: hint,
        spellcheck: false,
        autocomplete: type === "password" ? "new-password" : "off",
    };
    return (
        <label>
            <span>{label}</span>
            {rows ? (
                <textarea rows={rows} {...shared} onInput={(e) => onValue(e.currentTarget.value)} />
            ) : (
                <input
                    type={type}
                    {...shared}
                    {...rest}
                    onInput={(e) => onValue(e.currentTarget.value)}
                />
            )}
        </label>
    );
}

export function Select({
    label,
    value,
    onValue,
    options,
}: {
    label: string;
    value: string;
    onValue: (value: string) => void;
    options: readonly (readonly [value: string, text: string])[];
}) {
    return (
        <label>
            <span>{label}</span>
            <select value={value} onChange={(e) => onValue(e.currentTarget.value)}>
                {options.map(([key, text]) => (
                    <option value={key}>{text}</option>
                ))}
            </select>
        </label>
    );
}

export function Check({
    label,
    on,
    onFlip,
}: {
    label: ComponentChildren;
    on: boolean;
    onFlip: () => void;
}) {
    return (
        <label class="radio">
            <input type="checkbox" checked={on} onChange={onFlip} /> <span>{label}</span>
        </label>
    );
}

/** What went wrong, said at once; nothing while nothing did. */
export function Failed({ why }: { why: string | null | undefined }) {
    if (!why) return null;
    return (
        <p class="error" role="alert">
            {why}
        </p>
    );
}

/** The end of a form: what went wrong, and the two ways out. */
export function Buttons({
    busy,
    failed,
    submit,
    danger,
    focus,
    onClose,
}: {
    busy?: boolean;
    failed?: string | null;
    submit: ComponentChildren;
    danger?: boolean;
    focus?: boolean;
    onClose: () => void;
}) {
    return (
        <>
            <Failed why={failed} />
            <div class="buttons">
                <button type="button" onClick={onClose}>
                    {t("dialog.cancel")}
                </button>
                <button
                    type="submit"
                    class={danger ? "danger" : "primary"}
                    disabled={busy}
                    autoFocus={focus}
                >
                    {submit}
                </button>
            </div>
        </>
    );
}
