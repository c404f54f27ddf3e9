// SPDX-License-Identifier: Apache-2.0
// Sign-in: as a page, and as a sheet over the work when a session has ended.
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, api } from "../api/client.ts";
import type { Me } from "../api/types.ts";
import { span } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { sayProblem } from "../model/desk.ts";
import { LanguageChoice } from "./language.tsx";

export function Login({ known, onSignedIn }: { known: Me | null; onSignedIn: (me: Me) => void }) {
    const [user, setUser] = useState(known?.user ?? "");
    const [password, setPassword] = useState("");
    /** The second factor: null until the collector asks for it. */
    const [code, setCode] = useState<string | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const first = useRef<HTMLInputElement>(null);
    useEffect(() => first.current?.focus(), []);
    const submit = (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setFailed(null);
        api.signIn(user, password, code ?? undefined)
            .then(onSignedIn, (err) => {
                if (wantsCode(err)) {
                    setFailed(code ? t("login.code-wrong") : null);
                    return setCode("");
                }
                setFailed(sayRefusal(err));
                setPassword("");
                setCode(null);
                first.current?.focus();
            })
            .finally(() => setBusy(false));
    };
    return (
        <main id="content" class="login">
            <form class="login-card" onSubmit={submit}>
                <img src="favicon.svg" alt="" width="44" height="44" />
                <h1>{t("app.name")}</h1>
                <p class="lead">{known ? t("login.expired") : t("login.lead")}</p>
                <label>
                    <span>{t("login.user")}</span>
                    <input
                        ref={known ? undefined : first}
                        name="user"
                        autocomplete="username"
                        required
                        spellcheck={false}
                        autocapitalize="none"
                        value={user}
                        onInput={(e) => setUser(e.currentTarget.value)}
                    />
                </label>
                <label>
                    <span>{t("login.password")}</span>
                    <input
                        ref={known ? first : undefined}
                        name="password"
                        type="password"
                        autocomplete="current-password"
                        required
                        value={password}
                        onInput={(e) => setPassword(e.currentTarget.value)}
                    />
                </label>
                {code !== null && (
                    <label>
                        <span>{t("login.code")}</span>
                        <input
                            name="code"
                            inputMode="numeric"
                            autocomplete="one-time-code"
                            pattern="[0-9]{6}"
                            required
                            autoFocus
                            value={code}
                            onInput={(e) => setCode(e.currentTarget.value)}
                        />
                    </label>
                )}
                <p class="error login-error" role="alert">
                    {failed}
                </p>
                <button type="submit" class="primary" disabled={busy}>
                    {busy ? t("login.wait") : t("login.submit")}
                </button>
                {!known && <LanguageChoice />}
            </form>
        </main>
    );
}

const wantsCode = (err: unknown): boolean =>
    err instanceof Problem && err.status === 401 && err.rule === "login.code";

function sayRefusal(err: unknown): string {
    if (err instanceof Problem && err.status === 401) return t("login.wrong");
    if (err instanceof Problem && err.status === 429)
        return t("login.throttled", { span: span((err.retryAfter ?? 60) * 1000) });
    return sayProblem(err);
}
