// SPDX-License-Identifier: Apache-2.0
// The decisions an analyst can take with one digit: outcome code of the API, and the message that
// is the reason.
import type { Rsit, Tlp } from "../api/types.ts";
import type { MessageKey } from "../msg/index.ts";

export interface Choice {
    outcome: string;
    text: MessageKey;
    /** The reason must be typed. */
    ask?: boolean;
}

export const REJECTIONS: readonly Choice[] = [
    { outcome: "false-positive", text: "reject.harmless" },
    { outcome: "false-positive", text: "reject.scanner" },
    { outcome: "false-positive", text: "reject.no-effect" },
    { outcome: "not-ours", text: "reject.not-ours" },
    { outcome: "test", text: "reject.test" },
    { outcome: "false-positive", text: "reject.other", ask: true },
];

export const RESOLUTIONS: readonly Choice[] = [
    { outcome: "tp-impact", text: "resolve.impact" },
    { outcome: "tp-no-impact", text: "resolve.no-impact" },
];

export const TLPS: readonly Tlp[] = ["clear", "green", "amber", "amber+strict", "red"];

/** Reference Security Incident Taxonomy, version 1003: class → types. */
export const RSIT: Readonly<Record<string, readonly string[]>> = {
    "abusive-content": ["spam", "harmful-speech", "violence"],
    "malicious-code": [
        "infected-system",
        "c2-server",
        "malware-distribution",
        "malware-configuration",
    ],
    "information-gathering": ["scanner", "sniffing", "social-engineering"],
    "intrusion-attempts": ["ids-alert", "brute-force", "exploit"],
    intrusions: [
        "privileged-account-compromise",
        "unprivileged-account-compromise",
        "application-compromise",
        "system-compromise",
        "burglary",
    ],
    availability: ["dos", "ddos", "misconfiguration", "sabotage", "outage"],
    "information-content-security": [
        "unauthorised-information-access",
        "unauthorised-information-modification",
        "data-loss",
        "data-leak",
    ],
    fraud: ["unauthorised-use-of-resources", "copyright", "masquerade", "phishing"],
    vulnerable: [
        "weak-crypto",
        "ddos-amplifier",
        "potentially-unwanted-accessible",
        "information-disclosure",
        "vulnerable-system",
    ],
    other: ["other", "undetermined"],
    test: ["test"],
};

export const rsitText = (rsit: Rsit): string => `${rsit.class}/${rsit.type}`;
export function rsitOf(text: string): Rsit {
    const [cls = "", type = ""] = text.split("/");
    return { class: cls, type };
}

/** What incidents can be taken out as. */
export const FORMATS = ["stix", "misp", "iodef", "idea", "csv", "jsonl"] as const;
