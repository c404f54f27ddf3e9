// SPDX-License-Identifier: Apache-2.0
// My own account: where I am signed in, and the second factor.
import { useState } from "preact/hooks";
import {
    beginTotp,
    confirmTotp,
    endSession,
    endTotp,
    sessions,
    type SessionEntry,
} from "../api/registry.ts";
import { api } from "../api/client.ts";
import { t } from "../msg/index.ts";
import { app, notify } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { Stamp, Text } from "./bits.tsx";
import { Failed, Field, useSubmit } from "./form.tsx";
import { ListPanel, useListed, type Column } from "./table.tsx";

export function Account() {
    const me = useStore(app, (s) => s.me);
    const list = useListed("", sessions);
    const end = (one: SessionEntry) =>
        endSession(one.id).then(list.reload, (err) => notify("problem", sayProblem(err)));
    const columns: Column<SessionEntry>[] = [
        { head: t("login.user"), cell: (row) => <Text value={row.user} limit={60} /> },
        {
            head: t("account.from"),
            cell: (row) => (
                <span class="mono">
                    <Text value={row.address} limit={60} />
                </span>
            ),
        },
        { head: t("account.began"), cell: (row) => <Stamp iso={row.created_at} /> },
        { head: t("account.used"), cell: (row) => <Stamp iso={row.last_used_at} /> },
        {
            head: t("page.actions"),
            cell: (row) =>
                row.current ? (
                    <strong>{t("account.this")}</strong>
                ) : (
                    <button type="button" onClick={() => void end(row)}>
                        {t("account.end")}
                    </button>
                ),
        },
    ];
    return (
        <>
            {me?.totp !== undefined && <SecondFactor on={me.totp} />}
            <h2 class="tab-title">{t("account.sessions")}</h2>
            <ListPanel
                list={list}
                label={t("account.sessions")}
                empty={t("account.none")}
                columns={columns}
                keyOf={(row) => row.id}
            />
        </>
    );
}

function SecondFactor({ on }: { on: boolean }) {
    const [made, setMade] = useState<{ secret: string; uri: string } | null>(null);
    const [code, setCode] = useState("");
    const [busy, failed, submit] = useSubmit();
    const begin = () => submit(async () => setMade(await beginTotp()));
    const finish = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await (on ? endTotp(code.trim()) : confirmTotp(code.trim()));
            app.set({ me: await api.me() });
            setMade(null);
            setCode("");
            notify("done", t(on ? "totp.off-done" : "totp.on-done"));
        });
    };
    return (
        <section class="card narrow">
            <h2>
                {t("totp.title")}
                <span class={on ? "aside good" : "aside warn"}>
                    {t(on ? "totp.is-on" : "totp.is-off")}
                </span>
            </h2>
            {!on && !made && (
                <>
                    <p class="dim">{t("totp.hint")}</p>
                    <p>
                        <button type="button" class="primary" disabled={busy} onClick={begin}>
                            {t("totp.begin")}
                        </button>
                    </p>
                </>
            )}
            {made && (
                <>
                    <p>{t("totp.enter")}</p>
                    <p class="mono fingerprint">{made.secret.replace(/(.{4})(?=.)/g, "$1 ")}</p>
                    <p>
                        <a href={made.uri}>{t("totp.open")}</a>
                    </p>
                </>
            )}
            {(on || made) && (
                <form class="form" onSubmit={finish}>
                    <Field
                        label={t("totp.code")}
                        value={code}
                        onValue={setCode}
                        pattern="[0-9]{6}"
                        required
                    />
                    <div class="buttons">
                        <button type="submit" class={on ? "danger" : "primary"} disabled={busy}>
                            {t(on ? "totp.end" : "totp.confirm")}
                        </button>
                    </div>
                </form>
            )}
            <Failed why={failed} />
        </section>
    );
}
