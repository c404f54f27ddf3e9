// SPDX-License-Identifier: Apache-2.0
// Looks up what the page says. A language is one file with the keys of en.ts; the page takes the
// browser's first that exists.
import { whole } from "../format/text.ts";
import { en } from "./en.ts";
import type { same } from "./same.ts";

export type MessageKey = keyof typeof en;
export type Messages = Record<MessageKey, string>;
/** What a language has to say: all but what is the same in every one. */
export type Translation = Omit<Messages, keyof typeof same>;

export interface Language {
    /** What it calls itself. */
    name: string;
    load: () => Promise<Partial<Messages>>;
}

/**
 * The languages there are. A new one is one file of type Translation, so that the compiler names
 * what it lacks, and one line here; it is fetched when somebody wants it.
 */
export const LANGUAGES: Readonly<Record<string, Language>> = {
    en: { name: "English", load: () => Promise.resolve(en) },
    es: { name: "Español", load: () => import("./es.ts").then((m) => m.es) },
    fr: { name: "Français", load: () => import("./fr.ts").then((m) => m.fr) },
    ht: { name: "Kreyòl ayisyen", load: () => import("./ht.ts").then((m) => m.ht) },
    nl: { name: "Nederlands", load: () => import("./nl.ts").then((m) => m.nl) },
};

export let language = "en";
let messages: Messages = en;
let plural = new Intl.PluralRules("en");

/** The one that was chosen here before, or the browser's first that exists. */
function wantedLanguage(preferred: string | null): string {
    const browser = typeof navigator === "undefined" ? [] : navigator.languages;
    for (const tag of [preferred ?? "", ...browser]) {
        const code = tag.split("-")[0]!.toLowerCase();
        if (Object.hasOwn(LANGUAGES, code)) return code;
    }
    return "en";
}

/** Fetches the language before the page is first drawn; without its file the page is English. */
export async function chooseLanguage(preferred: string | null): Promise<void> {
    const code = wantedLanguage(preferred);
    if (code === language) return;
    try {
        messages = { ...en, ...(await LANGUAGES[code]!.load()) };
    } catch {
        return;
    }
    language = code;
    plural = new Intl.PluralRules([code, "en"]); // not every browser knows every language's rules
}

/**
 * The message of `key` with its `{names}` filled in. A message of the form "one|other" chooses by
 * `n`, in the order of the plural categories that the language's rules list.
 */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
    let text = messages[key];
    if (text.includes("|") && typeof values.n === "number") {
        const forms = text.split("|");
        text = (plural.select(values.n) === "one" ? forms[0] : forms[forms.length - 1]) ?? text;
    }
    return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
        const value = values[name];
        return typeof value === "number" ? whole(value) : (value ?? hole);
    });
}

/**
 * The message of a key put together at run time, or `otherwise` when the server sends a word we
 * have no text for.
 */
export function tMaybe(key: string, otherwise: string): string {
    return Object.hasOwn(messages, key) ? messages[key as MessageKey] : otherwise;
}
