/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of files. */
#include "config.h"
#include "signatures/filetype.h"

#include <string.h>
#include <strings.h>

#define KIND(offset, bytes, name)                                                                  \
    {                                                                                              \
        offset, sizeof(bytes) - 1, bytes, name                                                     \
    }

/* clang-format off */
const struct sig_filetype sig_filetypes[] = {
    KIND(0, "\x89PNG\r\n\x1a\n", "PNG image data"),
    KIND(0, "\xff\xd8\xff", "JPEG image data"),
    KIND(0, "GIF87a", "GIF image data, version 87a"),
    KIND(0, "GIF89a", "GIF image data, version 89a"),
    KIND(0, "BM", "PC bitmap"),
    KIND(0, "II*\0", "TIFF image data, little-endian"),
    KIND(0, "MM\0*", "TIFF image data, big-endian"),
    KIND(0, "\0\0\1\0", "MS Windows icon resource"),
    KIND(0, "%PDF-", "PDF document, version "),
    KIND(0, "%!PS", "PostScript document text"),
    KIND(0, "{\\rtf", "Rich Text Format data"),
    KIND(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Composite Document File V2 Document"),
    KIND(0, "Rar!\x1a\7\0", "RAR archive data"),
    KIND(0, "Rar!\x1a\7\1", "RAR archive data, v5"),
    KIND(0, "7z\xbc\xaf\x27\x1c", "7-zip archive data"),
    KIND(0, "\x1f\x8b", "gzip compressed data"),
    KIND(0, "BZh", "bzip2 compressed data"),
    KIND(0, "\xfd" "7zXZ\0", "XZ compressed data"),
    KIND(0, "\x28\xb5\x2f\xfd", "Zstandard compressed data"),
    KIND(0, "MSCF\0\0\0\0", "Microsoft Cabinet archive data"),
    KIND(257, "ustar  \0", "POSIX tar archive (GNU)"),
    KIND(257, "ustar\0", "POSIX tar archive"),
    KIND(0, "FWS", "Macromedia Flash data, version "),
    KIND(0, "CWS", "Macromedia Flash data (compressed), version "),
    KIND(0, "ZWS", "Macromedia Flash data (lzma compressed), version "),
    KIND(0, "dex\n", "Dalvik dex file"),
    KIND(0, "ID3", "Audio file with ID3 version 2"),
    KIND(0, "OggS", "Ogg data"),
    KIND(0, "fLaC", "FLAC audio bitstream data"),
    KIND(4, "ftyp", "ISO Media"),
    KIND(0, "\x1a\x45\xdf\xa3", "Matroska data"),
    KIND(0, "!<arch>\ndebian", "Debian binary package"),
    KIND(0, "\xed\xab\xee\xdb", "RPM v3"),
    KIND(0, "SQLite format 3\0", "SQLite 3.x database"),
    KIND(0, "L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0", "MS Windows shortcut"),
    KIND(0, "ITSF\3\0\0\0", "MS Windows HtmlHelp Data"),
    KIND(0, "\xd4\xc3\xb2\xa1", "pcap capture file, microsecond ts (little-endian)"),
    KIND(0, "-----BEGIN CERTIFICATE-----", "PEM certificate"),
    { 0, 0, NULL, NULL },
};

const char *const sig_filetype_names[] = {
    "PE32 executable (GUI) Intel 80386, for MS Windows",
    "PE32 executable (console) Intel 80386, for MS Windows",
    "PE32 executable (native) Intel 80386, for MS Windows",
    "PE32 executable (DLL) (GUI) Intel 80386, for MS Windows",
    "PE32 executable (DLL) (console) Intel 80386, for MS Windows",
    "PE32 executable (DLL) (native) Intel 80386, for MS Windows",
    "PE32+ executable (GUI) x86-64, for MS Windows",
    "PE32+ executable (console) x86-64, for MS Windows",
    "PE32+ executable (native) x86-64, for MS Windows",
    "PE32+ executable (DLL) (GUI) x86-64, for MS Windows",
    "PE32+ executable (DLL) (console) x86-64, for MS Windows",
    "PE32+ executable (DLL) (native) x86-64, for MS Windows",
    "MS-DOS executable",
    "ELF 32-bit LSB executable",
    "ELF 32-bit LSB shared object",
    "ELF 32-bit LSB relocatable",
    "ELF 32-bit MSB executable",
    "ELF 64-bit LSB executable",
    "ELF 64-bit LSB shared object",
    "ELF 64-bit LSB relocatable",
    "ELF 64-bit MSB executable",
    "Zip archive data",
    "Java archive data (JAR)",
    "Microsoft Word 2007+",
    "Microsoft Excel 2007+",
    "Microsoft PowerPoint 2007+",
    "Microsoft OOXML",
    "OpenDocument Text",
    "OpenDocument Spreadsheet",
    "OpenDocument Presentation",
    "compiled Java class data",
    "Mach-O universal binary",
    "RIFF (little-endian) data",
    "HTML document",
    "XML 1.0 document",
    "PHP script",
    "POSIX shell script",
    "Bourne-Again shell script",
    "Python script",
    "ASCII text",
    "Unicode text, UTF-8 text",
    "data",
    NULL,
};
/* clang-format on */

static bool has(const char *name, struct text t)
{
    size_t len = strlen(name);
    for (size_t i = 0; i + t.len <= len; i++) {
        if (strncasecmp(name + i, t.at, t.len) == 0)
            return true;
    }
    /* numbers of versions stand behind the names */
    return t.len > len && strncasecmp(t.at, name, len) == 0;
}

bool sig_filetype_says(struct text t)
{
    for (const struct sig_filetype *k = sig_filetypes; k->name; k++) {
        if (has(k->name, t))
            return true;
    }
    for (const char *const *name = sig_filetype_names; *name; name++) {
        if (has(*name, t))
            return true;
    }
    return false;
}
