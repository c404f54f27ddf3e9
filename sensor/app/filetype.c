/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of files by their first bytes. */
#include "config.h"
#include "sensor/app/filetype.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cursor.h"
#include "common/utf8.h"
#include "signatures/filetype.h"

/* ---- executables ----------------------------------------------------------------------------- */

/* PE/COFF 3.3, 3.4: where the header says so, and what the optional header says of it. */
#define PE_POINTER   0x3c
#define PE_DLL       0x2000
#define PE_PLUS      0x20b
#define PE_SUBSYSTEM 68 /* from the optional header's begin */

static const char *pe_subsystem(uint16_t number)
{
    return number == 1 ? "native" : number == 2 ? "GUI" : number == 3 ? "console" : NULL;
}

static const char *pe_machine(uint16_t number)
{
    switch (number) {
    case 0x14c:
        return "Intel 80386";
    case 0x8664:
        return "x86-64";
    case 0xaa64:
        return "Aarch64";
    case 0x1c0:
    case 0x1c4:
        return "ARM";
    default:
        return "unknown processor";
    }
}

static bool is_pe(struct cursor file, char *out, uint32_t size)
{
    struct cursor c = file;
    cursor_skip(&c, PE_POINTER);
    uint32_t at = cursor_le32(&c);
    c = file;
    cursor_skip(&c, at);
    if (cursor_be32(&c) != 0x50450000u || c.bad) /* "PE\0\0" */
        return false;
    uint16_t machine = cursor_le16(&c), sections = cursor_le16(&c);
    cursor_skip(&c, 14);
    uint16_t traits = cursor_le16(&c);
    struct cursor optional = c;
    uint16_t magic = cursor_le16(&c);
    cursor_skip(&optional, PE_SUBSYSTEM);
    const char *subsystem = pe_subsystem(cursor_le16(&optional));
    if (c.bad)
        return false;
    snprintf(out, size, "PE32%s executable %s%s%s%s%s, for MS Windows, %u sections",
             magic == PE_PLUS ? "+" : "", traits & PE_DLL ? "(DLL) " : "", subsystem ? "(" : "",
             subsystem ? subsystem : "", subsystem ? ") " : "", pe_machine(machine), sections);
    return true;
}

static bool is_dos(struct cursor c, char *out, uint32_t size)
{
    if (is_pe(c, out, size))
        return true;
    snprintf(out, size, "MS-DOS executable");
    return true;
}

static bool is_elf(struct cursor c, char *out, uint32_t size)
{
    cursor_skip(&c, 4);
    uint8_t class = cursor_u8(&c), order = cursor_u8(&c);
    cursor_skip(&c, 10);
    uint16_t type = order == 2 ? cursor_be16(&c) : cursor_le16(&c);
    if (c.bad || class < 1 || class > 2)
        return false;
    snprintf(out, size, "ELF %s %s %s", class == 1 ? "32-bit" : "64-bit",
             order == 2 ? "MSB" : "LSB",
             type == 1   ? "relocatable"
             : type == 2 ? "executable"
             : type == 3 ? "shared object"
             : type == 4 ? "core file"
                         : "unknown type");
    return true;
}

/* A Java class and a fat Mach-O begin alike; the second number of the latter is small. */
static bool is_cafebabe(struct cursor c, char *out, uint32_t size)
{
    cursor_skip(&c, 4);
    uint16_t minor = cursor_be16(&c), major = cursor_be16(&c);
    if (c.bad)
        return false;
    if (minor == 0 && major < 20)
        snprintf(out, size, "Mach-O universal binary with %u architectures", major);
    else
        snprintf(out, size, "compiled Java class data, version %u.%u", major, minor);
    return true;
}

/* ---- containers ------------------------------------------------------------------------------ */

static bool has(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

/* APPNOTE.TXT 4.3.7: the first entry's name, and what the first bytes name besides. */
static bool is_zip(struct cursor c, char *out, uint32_t size)
{
    static const struct {
        const char *text, *name;
    } kinds[] = {
        { "mimetypeapplication/vnd.oasis.opendocument.text", "OpenDocument Text" },
        { "mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument Spreadsheet" },
        { "mimetypeapplication/vnd.oasis.opendocument.presentation", "OpenDocument Presentation" },
        { "META-INF/", "Java archive data (JAR)" },
    };
    static const char *const office[][2] = { { "word/", "Microsoft Word 2007+" },
                                             { "xl/", "Microsoft Excel 2007+" },
                                             { "ppt/", "Microsoft PowerPoint 2007+" } };
    const uint8_t *data = c.at;
    size_t len = cursor_left(&c);
    for (size_t i = 0; len > 30 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].text);
        if (len - 30 >= n && memcmp(data + 30, kinds[i].text, n) == 0) {
            snprintf(out, size, "%s", kinds[i].name);
            return true;
        }
    }
    if (has(data, len, "[Content_Types].xml") || has(data, len, "_rels/.rels")) {
        snprintf(out, size, "Microsoft OOXML");
        for (size_t i = 0; i < sizeof(office) / sizeof(office[0]); i++) {
            if (has(data, len, office[i][0]))
                snprintf(out, size, "%s", office[i][1]);
        }
        return true;
    }
    cursor_skip(&c, 4);
    uint16_t version = cursor_le16(&c);
    snprintf(out, size, "Zip archive data, at least v%u.%u to extract", version / 10, version % 10);
    return !c.bad;
}

static bool is_riff(struct cursor c, char *out, uint32_t size)
{
    cursor_skip(&c, 8);
    const uint8_t *kind = cursor_take(&c, 4);
    if (!kind)
        return false;
    snprintf(out, size, "RIFF (little-endian) data, %s",
             memcmp(kind, "AVI ", 4) == 0   ? "AVI"
             : memcmp(kind, "WAVE", 4) == 0 ? "WAVE audio"
             : memcmp(kind, "WEBP", 4) == 0 ? "Web/P image"
                                            : "unknown kind");
    return true;
}

static const struct {
    unsigned len;
    const char *bytes;
    bool (*look)(struct cursor c, char *out, uint32_t size);
} looks[] = {
    { 2, "MZ", is_dos },
    { 4,
      "\x7f"
      "ELF",
      is_elf },
    { 4, "\xca\xfe\xba\xbe", is_cafebabe },
    { 4, "PK\3\4", is_zip },
    { 4, "RIFF", is_riff },
};

/* ---- texts ----------------------------------------------------------------------------------- */

static const struct {
    const char *text, *name;
} marks[] = {
    { "<!doctype html", "HTML document" },
    { "<html", "HTML document" },
    { "<head", "HTML document" },
    { "<body", "HTML document" },
    { "<script", "HTML document" },
    { "<title", "HTML document" },
    { "<?xml", "XML 1.0 document" },
    { "<?php", "PHP script" },
    { "#!/bin/sh", "POSIX shell script" },
    { "#!/bin/bash", "Bourne-Again shell script" },
    { "#!/usr/bin/python", "Python script" },
    { "#!/usr/bin/env python", "Python script" },
};

/** Whether all bytes are those of texts: nothing below blank but what stands in lines. */
static bool is_plain(const uint8_t *data, uint32_t len, bool *ascii)
{
    *ascii = true;
    for (uint32_t i = 0; i < len; i++) {
        if ((data[i] < 0x20 && (data[i] < 7 || data[i] > 13) && data[i] != 0x1b) || data[i] == 0x7f)
            return false;
        *ascii &= data[i] < 0x80;
    }
    return true;
}

/** UTF-8 throughout; a sequence may be cut at the end. */
static bool is_utf8(const uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len;) {
        unsigned n = data[i] < 0x80 ? 1 : utf8_length(data + i, len - i);
        if (n == 0)
            return len - i < 4;
        i += n;
    }
    return true;
}

static void text_name(const uint8_t *data, uint32_t len, char *out, uint32_t size)
{
    bool ascii, plain = is_plain(data, len, &ascii);
    const char *coding = ascii ? "ASCII text" : "Unicode text, UTF-8 text";
    if (!plain || (!ascii && !is_utf8(data, len))) {
        snprintf(out, size, "data");
        return;
    }
    while (len > 0 && (*data == ' ' || (*data >= '\t' && *data <= '\r')))
        data++, len--;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t n = strlen(marks[i].text);
        if (len >= n && strncasecmp((const char *)data, marks[i].text, n) == 0) {
            snprintf(out, size, "%s, %s", marks[i].name, coding);
            return;
        }
    }
    snprintf(out, size, "%s", coding);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/** Behind a name that ends in a blank stands a version: as text, or as one byte. */
static void name_version(const struct sig_filetype *k, const uint8_t *data, uint32_t len, char *out,
                         uint32_t size)
{
    uint32_t at = k->offset + k->len;
    size_t n = strlen(k->name);
    if (k->name[n - 1] != ' ')
        snprintf(out, size, "%s", k->name);
    else if (k->bytes[0] == '%')
        snprintf(out, size, "%s%.*s", k->name, len - at >= 3 ? 3 : 0, (const char *)data + at);
    else
        snprintf(out, size, "%s%u", k->name, at < len ? data[at] : 0);
}

uint32_t app_filetype(const uint8_t *data, uint32_t len, char *out, uint32_t size)
{
    len = len < APP_FILETYPE_LOOK ? len : APP_FILETYPE_LOOK;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        if (len >= looks[i].len && memcmp(data, looks[i].bytes, looks[i].len) == 0 &&
            looks[i].look(cursor_make(data, len), out, size))
            return (uint32_t)strlen(out);
    }
    for (const struct sig_filetype *k = sig_filetypes; k->name; k++) {
        if (len >= k->offset + k->len && memcmp(data + k->offset, k->bytes, k->len) == 0) {
            name_version(k, data, len, out, size);
            return (uint32_t)strlen(out);
        }
    }
    text_name(data, len, out, size);
    return (uint32_t)strlen(out);
}
