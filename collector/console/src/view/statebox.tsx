// SPDX-License-Identifier: Apache-2.0
// Member states to tick.
import { app } from "../model/app.ts";
import { useStore } from "../model/store.ts";

export function StateBoxes({
    label,
    chosen,
    onChosen,
}: {
    label: string;
    chosen: string[];
    onChosen: (codes: string[]) => void;
}) {
    const states = useStore(app, (s) => s.states);
    const flip = (code: string) =>
        onChosen(chosen.includes(code) ? chosen.filter((one) => one !== code) : [...chosen, code]);
    return (
        <fieldset class="state-boxes">
            <legend>{label}</legend>
            {states
                .filter(({ code }) => code !== "rg")
                .map(({ code, name }) => (
                    <label>
                        <input
                            type="checkbox"
                            checked={chosen.includes(code)}
                            onChange={() => flip(code)}
                        />{" "}
                        {name} <span class="dim">{code}</span>
                    </label>
                ))}
        </fieldset>
    );
}
