// SPDX-License-Identifier: Apache-2.0
// Settings: one tab for each thing that people keep in order here; only those that the collector
// serves to this user stand on the page.
import type { ComponentType } from "preact";
import { t, type MessageKey } from "../msg/index.ts";
import { app, served } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { Account } from "./account.tsx";
import { Contacts, Constituents } from "./contacts.tsx";
import { DampingLists, Suppressions } from "./damping.tsx";
import { PageFrame } from "./table.tsx";
import { Users } from "./users.tsx";

const TABS: readonly { key: string; name: MessageKey; view: ComponentType }[] = [
    { key: "users", name: "admin.users", view: Users },
    { key: "contacts", name: "admin.contacts", view: Contacts },
    { key: "constituents", name: "admin.constituents", view: Constituents },
    { key: "suppressions", name: "admin.suppressions", view: Suppressions },
    { key: "damping", name: "admin.damping", view: DampingLists },
    { key: "sessions", name: "admin.account", view: Account },
];

export default function AdminPage({ part }: { part?: string }) {
    const me = useStore(app, (s) => s.me);
    const tabs = TABS.filter(({ key }) => served(me, key));
    const tab = tabs.find(({ key }) => key === part) ?? tabs[0];
    if (!tab) return null;
    const View = tab.view;
    return (
        <PageFrame kind="admin" title={t("nav.admin")}>
            <nav class="tabs" aria-label={t("nav.admin")}>
                {tabs.map(({ key, name }) => (
                    <a href={`#/admin/${key}`} aria-current={key === tab.key ? "page" : undefined}>
                        {t(name)}
                    </a>
                ))}
            </nav>
            <View key={tab.key} />
        </PageFrame>
    );
}
