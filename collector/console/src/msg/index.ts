// SPDX-License-Identifier: Apache-2.0
// Looks up what the page says. A language is one file with the keys of en.ts; the page takes the
// browser's first that exists.
import { whole } from "../format/text.ts";
import { en } from "./en.ts";

export type MessageKey = keyof typeof en;
export type Messages = Record<MessageKey, string>;

const LANGUAGES: Record<string, Messages> = { en };

function chosen(): [string, Messages] {
    const wanted = typeof navigator === "undefined" ? ["en"] : navigator.languages;
    for (const tag of wanted) {
        const code = tag.split("-")[0]!.toLowerCase();
        const found = LANGUAGES[code];
        if (found) return [code, found];
    }
    return ["en", en];
}

export const [language, messages] = chosen();
const plural = new Intl.PluralRules(language);

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
