// SPDX-License-Identifier: Apache-2.0
// Users, for administrators.
import { useState } from "preact/hooks";
import { addUser, changeUser, removeUser, users, type User } from "../api/registry.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, notify } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { Stamp, StateCode, Text } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Field, Select, useSubmit } from "./form.tsx";
import { StateBoxes } from "./statebox.tsx";
import { ListPanel, useListed, type Column } from "./table.tsx";

const ROLES = ["regional", "national", "contact", "auditor", "admin"] as const;
/** The collector asks for at least this. */
const PASSWORD_MIN = 10;

type Asked = { kind: "add" } | { kind: "change" | "remove"; user: User } | null;

export function Users() {
    const me = useStore(app, (s) => s.me?.user);
    const list = useListed("", users);
    const [asked, setAsked] = useState<Asked>(null);
    const done = () => {
        setAsked(null);
        list.reload();
    };
    const columns: Column<User>[] = [
        { head: t("login.user"), cell: (row) => <Text value={row.user} limit={60} /> },
        { head: t("users.name"), grow: true, cell: (row) => <Text value={row.name} limit={80} /> },
        { head: t("users.role"), cell: (row) => tMaybe(`role.${row.role}`, row.role) },
        {
            head: t("users.states"),
            cell: (row) =>
                row.states[0] === "*"
                    ? t("app.region")
                    : row.states.map((code) => <StateCode code={code} />),
        },
        { head: t("users.since"), wide: true, cell: (row) => <Stamp iso={row.created_at} day /> },
        {
            head: t("page.actions"),
            cell: (row) => (
                <span class="row-buttons">
                    <button type="button" onClick={() => setAsked({ kind: "change", user: row })}>
                        {t("users.change")}
                    </button>
                    {row.user !== me && (
                        <button
                            type="button"
                            class="danger"
                            onClick={() => setAsked({ kind: "remove", user: row })}
                        >
                            {t("users.remove")}
                        </button>
                    )}
                </span>
            ),
        },
    ];
    return (
        <ListPanel
            list={list}
            label={t("admin.users")}
            empty={t("users.none")}
            columns={columns}
            keyOf={(row) => row.user}
            tools={
                <button type="button" class="primary" onClick={() => setAsked({ kind: "add" })}>
                    {t("users.add")}
                </button>
            }
        >
            {asked?.kind === "add" && <UserDialog onClose={done} />}
            {asked?.kind === "change" && <UserDialog user={asked.user} onClose={done} />}
            {asked?.kind === "remove" && <RemoveDialog user={asked.user} onClose={done} />}
        </ListPanel>
    );
}

function UserDialog({ user, onClose }: { user?: User; onClose: () => void }) {
    const [name, setName] = useState(user?.user ?? "");
    const [full, setFull] = useState(user?.name ?? "");
    const [role, setRole] = useState<string>(user?.role ?? "national");
    const [states, setStates] = useState<string[]>(
        user?.states[0] === "*" ? [] : (user?.states ?? []),
    );
    const [password, setPassword] = useState("");
    const [busy, failed, submit] = useSubmit();
    const everywhere = states.length === 0;
    const send = (e: Event) => {
        e.preventDefault();
        const form = {
            name: full.trim() || name.trim(),
            role,
            states: everywhere ? ["*"] : states,
            ...(password ? { password } : {}),
        };
        submit(async () => {
            if (user) await changeUser(user.user, form);
            else await addUser({ user: name.trim(), password, ...form });
            notify("done", t(user ? "users.changed" : "users.added", { name: name.trim() }));
            onClose();
        });
    };
    const title = user ? t("users.change-title", { name: user.user }) : t("users.add");
    return (
        <Dialog title={title} onClose={onClose} wide>
            <form class="form" onSubmit={send}>
                {!user && (
                    <Field
                        label={t("login.user")}
                        value={name}
                        onValue={setName}
                        pattern="[A-Za-z0-9._\-]{1,63}"
                        required
                        focus
                    />
                )}
                <Field label={t("users.name")} value={full} onValue={setFull} />
                <Select
                    label={t("users.role")}
                    value={role}
                    onValue={setRole}
                    options={(user && !ROLES.includes(user.role as "regional")
                        ? [user.role, ...ROLES]
                        : ROLES
                    ).map((key) => [key, tMaybe(`role.${key}`, key)] as const)}
                />
                <StateBoxes
                    label={t(everywhere ? "users.states-all" : "users.states")}
                    chosen={states}
                    onChosen={setStates}
                />
                <Field
                    label={user ? t("users.password-new") : t("login.password")}
                    hint={t("users.password-hint", { n: PASSWORD_MIN })}
                    type="password"
                    value={password}
                    onValue={setPassword}
                    required={!user}
                />
                {user && <p class="dim">{t("users.ends-sessions")}</p>}
                <Buttons
                    busy={busy}
                    failed={failed}
                    submit={user ? t("dialog.save") : t("users.add")}
                    onClose={onClose}
                />
            </form>
        </Dialog>
    );
}

function RemoveDialog({ user, onClose }: { user: User; onClose: () => void }) {
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        submit(async () => {
            await removeUser(user.user);
            notify("done", t("users.removed", { name: user.user }));
            onClose();
        });
    };
    return (
        <Dialog title={t("users.remove-title", { name: user.user })} onClose={onClose}>
            <form class="form" onSubmit={send}>
                <p>{t("users.remove-hint")}</p>
                <Buttons
                    busy={busy}
                    failed={failed}
                    submit={t("users.remove")}
                    danger
                    onClose={onClose}
                />
            </form>
        </Dialog>
    );
}
