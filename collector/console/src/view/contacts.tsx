// SPDX-License-Identifier: Apache-2.0
// Who is told, on which rung, and when not; and who they answer for. Both come by hand or as CSV.
import { useState } from "preact/hooks";
import {
    addConstituent,
    addContact,
    changeConstituent,
    changeContact,
    constituents,
    contacts,
    importCsv,
    removeConstituent,
    removeContact,
    testContact,
    type Constituent,
    type Contact,
    type Imported,
} from "../api/registry.ts";
import { age } from "../format/time.ts";
import { t, tMaybe } from "../msg/index.ts";
import { app, mayDecide, notify } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { TLPS } from "../model/outcomes.ts";
import { useStore } from "../model/store.ts";
import { StateCode, Text } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { Buttons, Check, Field, Select, useSubmit } from "./form.tsx";
import { ListPanel, useListed, type Column } from "./table.tsx";

const KINDS = ["mail", "phone", "webhook"] as const;
const RUNGS = ["1", "2", "3", "4"] as const;
/** A contact that was not tried for this long is not known to work. */
const TEST_MS = 35 * 24 * 3600_000;

export function Contacts() {
    const { now, me } = useStore(app, (s) => s);
    const list = useListed("", contacts);
    const [asked, setAsked] = useState<Contact | "add" | "import" | null>(null);
    const done = () => {
        setAsked(null);
        list.reload();
    };
    const may = mayDecide(me);
    const probe = (one: Contact) =>
        testContact(one).then(
            () => {
                notify("done", t("contact.tested", { name: one.name }));
                list.reload();
            },
            (err) => notify("problem", sayProblem(err)),
        );
    const columns: Column<Contact>[] = [
        {
            head: t("contact.name"),
            cell: (row) => (
                <>
                    <Text value={row.name} limit={80} />
                    <span class="sub">
                        <StateCode code={row.state} /> <Text value={row.organisation} limit={80} />
                    </span>
                </>
            ),
        },
        {
            head: t("contact.way"),
            cell: (row) => (
                <>
                    {tMaybe(`channel.${row.kind}`, row.kind)}
                    <span class="sub mono">
                        <Text value={row.address} limit={80} />
                    </span>
                </>
            ),
        },
        {
            head: t("contact.rung"),
            cell: (row) => tMaybe(`rung.${row.rung ?? 1}`, String(row.rung)),
        },
        {
            head: t("contact.limits"),
            wide: true,
            cell: (row) => (
                <>
                    {t("contact.tlp-max", { tlp: (row.tlp_max ?? "amber").toUpperCase() })}
                    <span class="sub">
                        {[
                            row.quiet_from && row.quiet_to
                                ? t("contact.quiet", { from: row.quiet_from, to: row.quiet_to })
                                : "",
                            row.workdays_only ? t("contact.workdays") : "",
                            row.digest ? t("contact.digest") : "",
                            row.mask_sources ? t("contact.masked") : "",
                            row.abroad ? t("contact.abroad") : "",
                        ]
                            .filter(Boolean)
                            .join(" · ")}
                    </span>
                </>
            ),
        },
        { head: t("contact.last-test"), cell: (row) => <Tested row={row} now={now} /> },
        {
            head: t("page.actions"),
            cell: (row) =>
                may && (
                    <span class="row-buttons">
                        <button type="button" onClick={() => void probe(row)}>
                            {t("contact.test")}
                        </button>
                        <button type="button" onClick={() => setAsked(row)}>
                            {t("users.change")}
                        </button>
                    </span>
                ),
        },
    ];
    return (
        <ListPanel
            list={list}
            label={t("admin.contacts")}
            empty={t("contact.none")}
            hint={t("contact.none-hint")}
            columns={columns}
            keyOf={(row) => row.id}
            tools={
                may && <Tools onAdd={() => setAsked("add")} onImport={() => setAsked("import")} />
            }
        >
            {asked === "import" && <ImportDialog what="contacts" onClose={done} />}
            {asked && asked !== "import" && (
                <ContactDialog one={asked === "add" ? null : asked} onClose={done} />
            )}
        </ListPanel>
    );
}

function Tested({ row, now }: { row: Contact; now: number }) {
    const stale = !row.tested_at || now - Date.parse(row.tested_at) > TEST_MS;
    return (
        <span class={stale ? "warn" : "good"}>
            <span aria-hidden="true">{stale ? "◆ " : "✓ "}</span>
            {row.tested_at
                ? t("feeds.ago", { span: age(row.tested_at, now) })
                : t("contact.never-tested")}
        </span>
    );
}

function Tools({ onAdd, onImport }: { onAdd: () => void; onImport: () => void }) {
    return (
        <>
            <button type="button" onClick={onImport}>
                {t("import.csv")}
            </button>
            <button type="button" class="primary" onClick={onAdd}>
                {t("page.add")}
            </button>
        </>
    );
}

function useStateChoice(now: string | undefined) {
    const states = useStore(app, (s) => s.states).filter(({ code }) => code !== "rg");
    const [state, setState] = useState(now ?? states[0]?.code ?? "");
    const select = (
        <Select
            label={t("queue.filter-state")}
            value={state}
            onValue={setState}
            options={states.map(({ code, name }) => [code, name] as const)}
        />
    );
    return [state, select] as const;
}

function ContactDialog({ one, onClose }: { one: Contact | null; onClose: () => void }) {
    const [state, stateSelect] = useStateChoice(one?.state);
    const [form, setForm] = useState<Partial<Contact>>(
        one ?? { kind: "mail", rung: 1, tlp_max: "amber", digest: false, mask_sources: false },
    );
    const put = (change: Partial<Contact>) => setForm({ ...form, ...change });
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        const { name, organisation, kind, address, rung, digest, tlp_max, mask_sources } = form;
        const { quiet_from, quiet_to, workdays_only } = form;
        const body = {
            name,
            kind,
            address,
            rung,
            digest,
            tlp_max,
            mask_sources,
            workdays_only: workdays_only ?? false,
            organisation: organisation || null,
            quiet_from: quiet_from || null,
            quiet_to: quiet_to || null,
            abroad: form.abroad ?? false,
            ...(form.secret ? { secret: form.secret } : {}),
        };
        submit(async () => {
            if (one) await changeContact(one, body);
            else await addContact({ state, ...body });
            onClose();
        });
    };
    const remove = () =>
        submit(async () => {
            await removeContact(one!);
            onClose();
        });
    return (
        <Dialog title={t(one ? "contact.change" : "contact.add")} onClose={onClose} wide>
            <form class="form two" onSubmit={send}>
                {!one && stateSelect}
                <Field
                    label={t("contact.name")}
                    value={form.name ?? ""}
                    onValue={(name) => put({ name })}
                    required
                    focus
                />
                <Field
                    label={t("contact.organisation")}
                    value={form.organisation ?? ""}
                    onValue={(organisation) => put({ organisation })}
                />
                <Select
                    label={t("contact.way")}
                    value={form.kind ?? "mail"}
                    onValue={(kind) => put({ kind: kind as Contact["kind"] })}
                    options={KINDS.map((key) => [key, t(`channel.${key}`)] as const)}
                />
                <Field
                    label={t("contact.address")}
                    hint={t(`contact.address-${form.kind ?? "mail"}`)}
                    value={form.address ?? ""}
                    onValue={(address) => put({ address })}
                    required
                />
                <Select
                    label={t("contact.rung")}
                    value={String(form.rung ?? 1)}
                    onValue={(rung) => put({ rung: Number(rung) })}
                    options={RUNGS.map((n) => [n, t(`rung.${n}`)] as const)}
                />
                <Select
                    label={t("contact.tlp")}
                    value={form.tlp_max ?? "amber"}
                    onValue={(tlp_max) => put({ tlp_max })}
                    options={TLPS.map((level) => [level, `TLP:${level.toUpperCase()}`] as const)}
                />
                <Field
                    label={t("contact.quiet-from")}
                    type="time"
                    value={form.quiet_from ?? ""}
                    onValue={(quiet_from) => put({ quiet_from })}
                />
                <Field
                    label={t("contact.quiet-to")}
                    type="time"
                    value={form.quiet_to ?? ""}
                    onValue={(quiet_to) => put({ quiet_to })}
                />
                <Check
                    label={t("contact.workdays")}
                    on={!!form.workdays_only}
                    onFlip={() => put({ workdays_only: !form.workdays_only })}
                />
                <Check
                    label={t("contact.digest")}
                    on={!!form.digest}
                    onFlip={() => put({ digest: !form.digest })}
                />
                <Check
                    label={t("contact.masked")}
                    on={!!form.mask_sources}
                    onFlip={() => put({ mask_sources: !form.mask_sources })}
                />
                <Check
                    label={t("contact.abroad")}
                    on={!!form.abroad}
                    onFlip={() => put({ abroad: !form.abroad })}
                />
                {form.kind === "webhook" && (
                    <Field
                        label={t(one?.has_secret ? "contact.secret-new" : "contact.secret")}
                        value={form.secret ?? ""}
                        onValue={(secret) => put({ secret })}
                    />
                )}
                {one && (
                    <p>
                        <button type="button" class="danger" disabled={busy} onClick={remove}>
                            {t("users.remove")}
                        </button>
                    </p>
                )}
                <Buttons busy={busy} failed={failed} submit={t("dialog.save")} onClose={onClose} />
            </form>
        </Dialog>
    );
}

const holdsOf = (row: Constituent): string[] => [
    ...(row.prefixes ?? []),
    ...(row.asns ?? []).map((n) => `AS${n}`),
    ...(row.names ?? []),
];

export function Constituents() {
    const me = useStore(app, (s) => s.me);
    const list = useListed("", constituents);
    const [asked, setAsked] = useState<Constituent | "add" | "import" | null>(null);
    const done = () => {
        setAsked(null);
        list.reload();
    };
    const may = mayDecide(me);
    const columns: Column<Constituent>[] = [
        {
            head: t("contact.name"),
            cell: (row) => (
                <>
                    <Text value={row.name} limit={80} />
                    <span class="sub">
                        <StateCode code={row.state} />
                    </span>
                </>
            ),
        },
        { head: t("constituent.class"), cell: (row) => tMaybe(`asset.${row.class}`, row.class) },
        {
            head: t("constituent.holds"),
            cell: (row) => (
                <span class="mono wrap">
                    <Text value={holdsOf(row).join(", ")} limit={300} />
                </span>
            ),
        },
        { head: t("admin.contacts"), num: true, cell: (row) => row.contacts?.length ?? 0 },
        {
            head: t("page.actions"),
            cell: (row) =>
                may && (
                    <button type="button" onClick={() => setAsked(row)}>
                        {t("users.change")}
                    </button>
                ),
        },
    ];
    return (
        <ListPanel
            list={list}
            label={t("admin.constituents")}
            empty={t("constituent.none")}
            hint={t("constituent.none-hint")}
            columns={columns}
            keyOf={(row) => row.id}
            tools={
                may && <Tools onAdd={() => setAsked("add")} onImport={() => setAsked("import")} />
            }
        >
            {asked === "import" && <ImportDialog what="constituents" onClose={done} />}
            {asked && asked !== "import" && (
                <ConstituentDialog one={asked === "add" ? null : asked} onClose={done} />
            )}
        </ListPanel>
    );
}

const CLASSES = [
    "critical",
    "government-core",
    "network",
    "government",
    "business",
    "residential",
] as const;
const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

function ConstituentDialog({ one, onClose }: { one: Constituent | null; onClose: () => void }) {
    const [state, stateSelect] = useStateChoice(one?.state);
    const [name, setName] = useState(one?.name ?? "");
    const [cls, setCls] = useState<string>(one?.class ?? "business");
    const [prefixes, setPrefixes] = useState(one?.prefixes?.join(", ") ?? "");
    const [names, setNames] = useState(one?.names?.join(", ") ?? "");
    const [note, setNote] = useState(one?.note ?? "");
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        const body = {
            name: name.trim(),
            class: cls,
            prefixes: words(prefixes),
            names: words(names),
            note: note.trim() || null,
        };
        submit(async () => {
            if (one) await changeConstituent(one, body);
            else await addConstituent({ state, ...body });
            onClose();
        });
    };
    const remove = () =>
        submit(async () => {
            await removeConstituent(one!);
            onClose();
        });
    return (
        <Dialog title={t(one ? "constituent.change" : "constituent.add")} onClose={onClose} wide>
            <form class="form two" onSubmit={send}>
                {!one && stateSelect}
                <Field label={t("contact.name")} value={name} onValue={setName} required focus />
                <Select
                    label={t("constituent.class")}
                    value={cls}
                    onValue={setCls}
                    options={CLASSES.map((key) => [key, t(`asset.${key}`)] as const)}
                />
                <Field
                    label={t("constituent.prefixes")}
                    hint="192.0.2.0/24, 2001:db8::/32"
                    value={prefixes}
                    onValue={setPrefixes}
                />
                <Field
                    label={t("constituent.names")}
                    hint="example.org"
                    value={names}
                    onValue={setNames}
                />
                <Field label={t("notice.note")} value={note} onValue={setNote} />
                {one && (
                    <p>
                        <button type="button" class="danger" disabled={busy} onClick={remove}>
                            {t("users.remove")}
                        </button>
                    </p>
                )}
                <Buttons busy={busy} failed={failed} submit={t("dialog.save")} onClose={onClose} />
            </form>
        </Dialog>
    );
}

function ImportDialog({
    what,
    onClose,
}: {
    what: "contacts" | "constituents";
    onClose: () => void;
}) {
    const [state, stateSelect] = useStateChoice(undefined);
    const [text, setText] = useState("");
    const [result, setResult] = useState<Imported | null>(null);
    const [busy, failed, submit] = useSubmit();
    const send = (e: Event) => {
        e.preventDefault();
        submit(async () => setResult(await importCsv(what, state, text)));
    };
    const pick = (e: Event) => {
        const file = (e.currentTarget as HTMLInputElement).files?.[0];
        if (file) void file.text().then(setText);
    };
    return (
        <Dialog title={t("import.title")} onClose={onClose} wide>
            <form class="form" onSubmit={send}>
                {stateSelect}
                <label>
                    <span>{t("import.file")}</span>
                    <input type="file" accept=".csv,text/csv" onChange={pick} />
                </label>
                <Field label={t("import.text")} value={text} onValue={setText} rows={8} required />
                {result && (
                    <div role="status">
                        <p>{t("import.done", { added: result.added, changed: result.changed })}</p>
                        <ul class="plain-rows">
                            {result.refused.slice(0, 50).map(({ line, detail }) => (
                                <li class="error">
                                    {t("import.line", { n: line })}{" "}
                                    <Text value={detail} limit={300} />
                                </li>
                            ))}
                        </ul>
                    </div>
                )}
                <Buttons
                    busy={busy}
                    failed={failed}
                    submit={t("import.submit")}
                    onClose={onClose}
                />
            </form>
        </Dialog>
    );
}
