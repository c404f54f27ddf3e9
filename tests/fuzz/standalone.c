/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target without libFuzzer: runs the target's seeds (tests/fuzz/seeds/NAME, or the
 * files given), each as it is and then bent in ways that a fixed generator chooses, so that `make
 * check` walks the error paths too.
 */
#include "config.h"

#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

#define SEED_MAX (1u << 20)
/** Bent copies of each seed; longer seeds get fewer. */
#define BENDS      300u
#define BEND_BYTES (512u * 1024)

/** The target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/** Change, cut, repeat or drop something. Returns the new length, at most `len`. */
static size_t bend(uint8_t *d, size_t len, uint64_t *state)
{
    static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '\r', ':', '%', '.' };
    for (unsigned n = 1 + next_random(state) % 4; n > 0 && len > 0; n--) {
        size_t at = next_random(state) % len;
        switch (next_random(state) % 5) {
        case 0:
            d[at] ^= (uint8_t)(1u << next_random(state) % 8);
            break;
        case 1:
            d[at] = edges[next_random(state) % sizeof(edges)];
            break;
        case 2:
            len = at;
            break;
        case 3:
            memmove(d + at, d + at + 1, len - at - 1);
            len--;
            break;
        default: {
            size_t from = next_random(state) % len;
            size_t span = next_random(state) % 32;
            span = span > len - at ? len - at : span;
            span = span > len - from ? len - from : span;
            memmove(d + at, d + from, span);
            break;
        }
        }
    }
    return len;
}

/** A copy of exactly `len` bytes, so that a sanitizer sees a read beyond. */
static void run_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = xmemdup(data, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int run_file(const char *path)
{
    struct buf b;
    buf_init(&b, SEED_MAX);
    int rc = file_read(path, &b);
    if (rc < 0) {
        printf("# cannot read %s: %s\n", path, err_text(rc));
        buf_free(&b);
        return rc;
    }
    uint64_t state = b.len;
    size_t rounds = b.len > 0 ? BEND_BYTES / b.len : 0;
    rounds = rounds > BENDS ? BENDS : rounds;
    run_copy(b.data, b.len);
    uint8_t *bent = xmalloc(b.len + 1);
    for (size_t i = 0; i < rounds; i++) {
        memcpy(bent, b.data, b.len);
        run_copy(bent, bend(bent, b.len, &state));
    }
    free(bent);
    buf_free(&b);
    return 0;
}

/** All seeds of a folder; returns how many ran. */
static unsigned run_folder(const char *folder)
{
    struct dirent **names;
    unsigned ran = 0;
    int n = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && run_file(path) == 0)
            ran++;
        free(path);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return ran;
}

int main(int argc, char **argv)
{
    const char *source = getenv("ABENG_SRCDIR");
    const char *name = strstr(basename(argv[0]), "fuzz_");
    unsigned ran = 0;
    printf("1..1\n");
    for (int i = 1; i < argc; i++)
        ran += run_file(argv[i]) == 0;
    if (argc == 1 && name) {
        char *folder =
            xasprintf("%s/tests/fuzz/seeds/%s", source ? source : ".", name + strlen("fuzz_"));
        ran = run_folder(folder);
        free(folder);
    }
    printf("%sok 1 - %u seeds and their bent copies\n", ran > 0 ? "" : "not ", ran);
    return ran > 0 ? 0 : 1;
}
