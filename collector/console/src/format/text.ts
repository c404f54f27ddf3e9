// SPDX-License-Identifier: Apache-2.0
// Text that came from packets: what can't be seen, or would rearrange what is seen, is shown by
// name instead.

/** A run of plain text, or one character that had to be named (`mark`). */
export interface Piece {
    text: string;
    mark: boolean;
}

// C0 and C1 controls, soft hyphen, zero-width and bidirectional controls, line and paragraph
// separators, variation selectors, the byte order mark, interlinear and tag characters, unpaired
// surrogates, private use.
const HIDDEN =
    /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ue000-\uf8ff]|[\u{e0000}-\u{e0fff}]|[\u{f0000}-\u{10ffff}]|\p{Cs}/gu;
const MARKS_IN_A_ROW = /(\p{M}{3})\p{M}+/gu;
const ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

function nameOf(char: string): string {
    const code = char.codePointAt(0) ?? 0;
    if (ESCAPES[char]) return ESCAPES[char];
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * Splits `text` into what may be shown as it is and what is shown by name; at most `limit`
 * characters are kept.
 */
export function pieces(text: string, limit = 4096): Piece[] {
    const kept = text.length > limit ? text.slice(0, limit) : text;
    const calm = kept.replace(MARKS_IN_A_ROW, "$1");
    const out: Piece[] = [];
    let from = 0;
    for (const match of calm.matchAll(HIDDEN)) {
        if (match.index > from) out.push({ text: calm.slice(from, match.index), mark: false });
        out.push({ text: nameOf(match[0]), mark: true });
        from = match.index + match[0].length;
    }
    if (from < calm.length) out.push({ text: calm.slice(from), mark: false });
    if (kept.length < text.length)
        out.push({ text: `… +${text.length - kept.length}`, mark: true });
    return out;
}

/** The same as one plain string, for titles and labels. */
export function plain(text: string, limit = 4096): string {
    return pieces(text, limit)
        .map((piece) => piece.text)
        .join("");
}

const PLAIN = /^[\x20-\x7e]*$/;

/** Nothing in it can hide or rearrange anything: no element of its own is needed around it. */
export const harmless = (text: string): boolean => PLAIN.test(text);

const NARROW = /[ !',.:;IJfijlrt|()[\]/\\-]/g;
const COMMON = /[0-9a-eghknopqsuvx-z"*?_${}]/g;
const LONG = 60;

/**
 * At most so wide the text is drawn, in em, by a font that is not wider than DejaVu Sans, the widest
 * of those we ask for (`mono`: its Mono). Text that is not plain ASCII, or long, may be of any width.
 */
export function widest(text: string, mono = false): number {
    if (text.length > LONG || !harmless(text)) return Infinity;
    if (mono) return 0.61 * text.length;
    const narrow = text.match(NARROW)?.length ?? 0;
    const common = text.match(COMMON)?.length ?? 0;
    return 0.42 * narrow + 0.64 * common + 1.01 * (text.length - narrow - common);
}

const GROUPS = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SCALES: [number, string][] = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
];

export const whole = (n: number): string => GROUPS.format(n).replace(/,/g, "\u2009");

/** 1234 → 1.2k; exact below a thousand. */
export function short(n: number): string {
    for (const [size, unit] of SCALES) {
        if (Math.abs(n) < size) continue;
        const value = n / size;
        return (value < 9.95 ? value.toFixed(1) : String(Math.round(value))) + unit;
    }
    return String(Math.round(n));
}

/** 31 400 000 → 31 MB. */
export const bytes = (n: number): string => `${short(n).replace(/([TGMk]?)$/, "\u2009$1")}B`;

/** A fingerprint in groups of four, so that two people can read it to each other. */
export const grouped = (hex: string): string =>
    hex
        .replace(/[:\s]/g, "")
        .toUpperCase()
        .replace(/(.{4})(?=.)/g, "$1 ");

/** Classic hex dump of base64 bytes, 16 a line; null when the text is not base64. */
export function hexDump(base64: string, limit = 2048): string | null {
    let bytes: string;
    try {
        bytes = atob(base64);
    } catch {
        return null;
    }
    const lines: string[] = [];
    for (let at = 0; at < Math.min(bytes.length, limit); at += 16) {
        const row = Array.from(bytes.slice(at, at + 16), (c) => c.charCodeAt(0));
        const hex = row.map((b) => b.toString(16).padStart(2, "0")).join(" ");
        const ascii = row.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : "·")).join("");
        lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${ascii}`);
    }
    if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes`);
    return lines.join("\n");
}
