// SPDX-License-Identifier: Apache-2.0
// The choice of a language, before and after signing in.
import { LANGUAGES, language, t } from "../msg/index.ts";
import { preference } from "../model/app.ts";

/** The page is drawn anew in the language that is chosen: words stand in too many places. */
export function LanguageChoice() {
    const all = Object.entries(LANGUAGES);
    const choose = (code: string) => {
        preference("language", code);
        location.reload();
    };
    return (
        <label class="language">
            <span>{t("help.language")}</span>{" "}
            <select value={language} onChange={(e) => choose(e.currentTarget.value)}>
                {all.map(([code, { name }]) => (
                    <option value={code} lang={code}>
                        {name}
                    </option>
                ))}
            </select>
        </label>
    );
}
