/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: blocks, files that are torn, closed, damaged and written to a full disk, the thread
 * on a real store, searching.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/archive/archive.h"
#include "collector/archive/block.h"
#include "collector/archive/file.h"
#include "collector/archive/filter.h"
#include "collector/archive/list.h"
#include "collector/archive/replay.h"
#include "collector/archive/search.h"
#include "collector/ingest/record.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "common/zst.h"
#include "tests/unit/link/bench.h"

#define EPOCH    "0123456789abcdef0123456789abcdef"
#define PATIENCE (60 * NS_PER_S)

/* A batch as the stream gives it, in memory of its own. */
struct made {
    struct buf raw, frame;
    struct record_room room;
    struct record_batch b;
};

static void add_line(struct buf *b, const char *src, unsigned sid, const char *host)
{
    buf_printf(b,
               "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\",\"event_type\":\"alert\","
               "\"src_ip\":\"%s\",\"src_port\":1,\"dest_ip\":\"198.51.100.7\",\"dest_port\":80,"
               "\"proto\":\"TCP\",\"alert\":{\"gid\":1,\"signature_id\":%u,\"rev\":1},"
               "\"http\":{\"hostname\":\"%s\"}}\n",
               src, sid, host);
}

static void make_lines(struct made *m, uint64_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char src[32], host[64];
        snprintf(src, sizeof(src), "192.0.2.%u", (unsigned)((first + i) % 250));
        snprintf(host, sizeof(host), "Host-%llu.example.org", (unsigned long long)(first + i));
        add_line(&m->raw, src, 1000 + (unsigned)(first + i), host);
    }
}

static void make(struct made *m, const char *lane, uint64_t first, unsigned count)
{
    char why[256];

    memset(m, 0, sizeof(*m));
    buf_init(&m->raw, 1u << 22);
    buf_init(&m->frame, 1u << 22);
    record_room_init(&m->room, 1u << 22);
    make_lines(m, first, count);
    zst_compress(m->raw.data, m->raw.len, 3, &m->frame);
    struct record *list = record_room_for(&m->room, count);
    assert_int_equal(ingest_scan(m->raw.data, m->raw.len, count, list, why, sizeof(why)), 0);
    m->b = (struct record_batch){ .id = "5-1",
                                  .sensor = "s1",
                                  .site = "kgn",
                                  .epoch = EPOCH,
                                  .lane = lane,
                                  .first = first,
                                  .count = count,
                                  .received_ns = clock_now(clock_system()),
                                  .frame = m->frame.data,
                                  .frame_len = m->frame.len,
                                  .text = (const char *)m->raw.data,
                                  .text_len = m->raw.len,
                                  .list = list };
}

static void unmake(struct made *m)
{
    buf_free(&m->raw);
    buf_free(&m->frame);
    record_room_free(&m->room);
}

static int64_t append(struct archive_file *f, uint64_t first, unsigned count)
{
    struct made m;
    make(&m, "jm.bulk", first, count);
    int64_t n = archive_file_append(f, &m.b);
    unmake(&m);
    return n;
}

static int make_dir(void **state)
{
    char *dir = xstrdup("/tmp/abeng-archive-XXXXXX");
    log_open("test", LOG_LEVEL_ERROR);
    *state = dir;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    fixture_remove(*state);
    free(*state);
    return 0;
}

static struct archive_file *open_jm(const char *dir, uint64_t file_bytes)
{
    return archive_file_open(dir, "jm", clock_now(clock_system()), file_bytes);
}

static char *data_path(const char *dir, unsigned serial)
{
    struct list_file *files;
    size_t count;
    char *path = NULL;

    assert_int_equal(list_files(dir, "jm", &files, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (files[i].serial == serial)
            path = list_path(dir, "jm", &files[i], LIST_DATA);
    }
    free(files);
    assert_non_null(path);
    return path;
}

/* What zstd makes of all files, past our own reader of blocks. */
static unsigned lines_in(const char *path)
{
    struct list_map map;
    struct buf out;
    unsigned lines = 0;

    buf_init(&out, 1u << 26);
    assert_int_equal(list_map(path, &map), 0);
    assert_int_equal(zst_decompress(map.bytes, map.len, &out), 0);
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    list_unmap(&map);
    buf_free(&out);
    return lines;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void nothing_is_written_twice(void **state)
{
    struct archive_file *f = open_jm(*state, 0);

    assert_non_null(f);
    assert_int_equal(append(f, 1, 100), 100);
    assert_int_equal(append(f, 1, 100), 0); /* while it waits */
    assert_int_equal(archive_file_sync(f), 0);
    assert_int_equal(append(f, 51, 50), 0); /* once it is there */
    assert_int_equal(append(f, 91, 20), 10);
    assert_int_equal(archive_file_sync(f), 0);
    assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 110);
    archive_file_close(f);
    f = open_jm(*state, 0); /* by a new process */
    assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 110);
    assert_int_equal(append(f, 1, 110), 0);
    assert_int_equal(append(f, 101, 20), 10);
    assert_int_equal(archive_file_sync(f), 0);
    archive_file_close(f);
    char *path = data_path(*state, 1);
    assert_int_equal(lines_in(path), 120);
    free(path);
}

static void what_was_not_synced_is_not_there(void **state)
{
    struct archive_file *f = open_jm(*state, 0);

    append(f, 1, 10);
    archive_file_sync(f);
    append(f, 11, 10);
    archive_file_close(f);
    f = open_jm(*state, 0);
    assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 10);
    archive_file_close(f);
}

static void torn_end_is_cut(void **state)
{
    struct archive_file *f = open_jm(*state, 0);
    struct stat before, after;

    append(f, 1, 10);
    archive_file_sync(f);
    append(f, 11, 10);
    archive_file_sync(f);
    archive_file_close(f);
    char *path = data_path(*state, 1);
    assert_int_equal(stat(path, &before), 0);
    for (off_t cut = 1; cut < 300; cut += 37) {
        assert_int_equal(truncate(path, before.st_size - cut), 0);
        f = open_jm(*state, 0);
        assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 10);
        assert_int_equal(append(f, 1, 20), 10);
        assert_int_equal(archive_file_sync(f), 0);
        archive_file_close(f);
        assert_int_equal(lines_in(path), 20);
        assert_int_equal(stat(path, &after), 0);
        before = after;
    }
    free(path);
}

/* One bit in the middle takes one batch, not those behind it. */
static void damage_takes_one_batch(void **state)
{
    struct archive_file *f = open_jm(*state, 0);
    struct stat st;
    uint8_t byte;

    append(f, 1, 100);
    archive_file_sync(f);
    append(f, 101, 10);
    archive_file_sync(f);
    archive_file_close(f);
    char *path = data_path(*state, 1);
    int fd = open(path, O_RDWR);
    stat(path, &st);
    assert_int_equal(pread(fd, &byte, 1, 400), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 400), 1);
    close(fd);
    f = open_jm(*state, 0);
    assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 110);
    archive_file_close(f);
    struct stat now;
    stat(path, &now);
    assert_int_equal(now.st_size, st.st_size);
    free(path);
}

static void full_file_is_closed_and_hashed(void **state)
{
    const char *dir = *state;
    struct archive_file *f = open_jm(dir, 500);
    struct list_file *files;
    struct list_about about;
    char command[512];
    size_t count;

    for (unsigned i = 0; i < 3; i++) {
        append(f, 1 + i * 100, 100);
        assert_int_equal(archive_file_sync(f), 0);
    }
    archive_file_close(f);
    assert_int_equal(list_files(dir, "jm", &files, &count), 0);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        assert_true(files[i].closed);
        char *path = list_path(dir, "jm", &files[i], LIST_ABOUT);
        assert_int_equal(list_read_about(path, &about, NULL), 0);
        assert_int_equal(about.records, 100);
        free(path);
    }
    free(files);
    /* coreutils agree; the list lost its last line in a crash: it comes back */
    snprintf(command, sizeof(command),
             "cd %s/jm && sed -i '$d' " LIST_HASHES " && b2sum -l 256 --status -c " LIST_HASHES,
             dir);
    assert_int_equal(system(command), 0);
    f = open_jm(dir, 500);
    assert_int_equal(archive_file_last(f, "s1", EPOCH, "jm.bulk"), 300);
    archive_file_close(f);
    snprintf(command, sizeof(command),
             "cd %s/jm && test $(wc -l <" LIST_HASHES
             ") = 3 && b2sum -l 256 --status -c " LIST_HASHES,
             dir);
    assert_int_equal(system(command), 0);
}

/* ---- searching ------------------------------------------------------------------------------- */

struct found {
    unsigned items;
    struct search_result res;
    char text[1u << 16];
};

static void look(const char *dir, const struct search_query *given, struct found *out)
{
    struct search_query q = *given;
    struct buf b;
    struct json j;

    q.scope = q.scope ? q.scope : ~0u;
    q.limit = q.limit ? q.limit : 100;
    q.deadline_ns = clock_mono_ns() + PATIENCE;
    buf_init(&b, sizeof(out->text) - 1);
    json_begin(&j, &b);
    json_open_array(&j, NULL);
    assert_int_equal(search_records(dir, &q, &j, &out->res), 0);
    json_close_array(&j);
    snprintf(out->text, sizeof(out->text), "%s", buf_str(&b));
    json_t *array = json_loads(out->text, 0, NULL);
    assert_non_null(array);
    out->items = (unsigned)json_array_size(array);
    json_decref(array);
    buf_free(&b);
}

static void records_are_found(void **state)
{
    const char *dir = *state;
    struct archive_file *f = open_jm(dir, 500);
    struct found *r = xcalloc(1, sizeof(*r));

    for (unsigned i = 0; i < 4; i++) {
        append(f, 1 + i * 100, 100);
        assert_int_equal(archive_file_sync(f), 0);
    }
    archive_file_close(f);
    look(dir, &(struct search_query){ .has_sid = true, .sid = 1005 }, r);
    assert_int_equal(r->items, 1);
    assert_int_equal(r->res.files, 1); /* the filters know */
    assert_int_equal(r->res.skipped, 3);
    assert_non_null(strstr(r->text, "\"seq\":5,"));
    look(dir, &(struct search_query){ .name = "hOST-250.EXAMPLE.org" }, r);
    assert_int_equal(r->items, 1);
    struct search_query q = { .has_address = true };
    assert_int_equal(addr_parse("192.0.2.17", &q.address), 0);
    look(dir, &q, r);
    assert_int_equal(r->items, 2); /* 17 and 267 */
    q.has_sid = true;
    q.sid = 1017;
    look(dir, &q, r);
    assert_int_equal(r->items, 1);
    q.scope = 1u; /* of another state */
    look(dir, &q, r);
    assert_int_equal(r->items, 0);
    look(dir, &(struct search_query){ .name = "host-250.example.org", .to_ms = 1000 }, r);
    assert_int_equal(r->items, 0);
    assert_int_equal(r->res.files, 0);
    free(r);
}

/* Every record once, whatever the size of the pages. */
static void pages_join_on(void **state)
{
    const char *dir = *state;
    struct archive_file *f = open_jm(dir, 500);
    struct found *r = xcalloc(1, sizeof(*r));
    struct search_query q = { .has_address = true, .limit = 7 };
    char cursor[SEARCH_CURSOR_MAX];
    unsigned total = 0, pages = 0;

    addr_parse("198.51.100.7", &q.address);
    for (unsigned i = 0; i < 3; i++) {
        append(f, 1 + i * 50, 50);
        assert_int_equal(archive_file_sync(f), 0);
    }
    archive_file_close(f);
    do {
        look(dir, &q, r);
        total += r->items;
        memcpy(cursor, r->res.next, sizeof(cursor));
        q.after = cursor;
        assert_true(++pages < 100);
    } while (*cursor);
    assert_int_equal(total, 150);
    assert_int_equal(pages, 22);
    q.after = "jm.nonsense";
    struct json j;
    struct buf b;
    buf_init(&b, 100);
    json_begin(&j, &b);
    assert_int_equal(search_records(dir, &q, &j, &r->res), ABENG_EFORMAT);
    buf_free(&b);
    free(r);
}

static void filter_never_misses(void **state)
{
    struct filter *f = xcalloc(1, sizeof(*f));
    unsigned wrong = 0;
    (void)state;

    for (uint32_t i = 0; i < 300000; i++)
        filter_add(f, FILTER_SID, &i, sizeof(i));
    for (uint32_t i = 0; i < 300000; i++)
        assert_true(filter_may_have(f, FILTER_SID, &i, sizeof(i)));
    for (uint32_t i = 300000; i < 400000; i++)
        wrong += filter_may_have(f, FILTER_SID, &i, sizeof(i));
    assert_true(wrong < 5000); /* 7 tokens' worth of bits each: 3.2 % by the book is 1/30 */
    free(f);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void post(struct client *c, unsigned first, unsigned count)
{
    struct buf raw, body;
    char f[16], n[16];
    uint64_t committed;

    buf_init(&raw, 1u << 22);
    buf_init(&body, 65536);
    snprintf(f, sizeof(f), "%u", first);
    snprintf(n, sizeof(n), "%u", count);
    bench_alerts(&raw, EPOCH, "jm.bulk", first, count);
    struct bench_batch h = { EPOCH, "jm.bulk", f, n, NULL, NULL };
    assert_int_equal(bench_post(c, &h, raw.data, raw.len, &committed, &body), 200);
    buf_free(&raw);
    buf_free(&body);
}

static void wait_records(struct archive *a, uint64_t want)
{
    struct archive_stats st;
    uint64_t until = clock_mono_ns() + PATIENCE;

    do {
        usleep(20 * 1000);
        archive_stats(a, &st);
    } while (st.records + st.doubles < want && clock_mono_ns() < until);
    assert_int_equal(st.records + st.doubles, want);
}

static int64_t length(struct bench *b)
{
    struct store_reply *r;
    store_command(store_conn(b->redis->store, NULL), &r, "XLEN {jm}:ing");
    int64_t n = store_reply_int(r);
    store_reply_free(r);
    return n;
}

static void command(struct bench *b, const char *text)
{
    struct store_reply *r;
    assert_int_equal(store_command(store_conn(b->redis->store, NULL), &r, text), 0);
    store_reply_free(r);
}

/* Streams are trimmed below the slower of fold and archive; a lost position writes nothing twice. */
static void stream_is_archived_then_trimmed(void **state)
{
    struct bench *b = *state;
    char dir[128], id[128];
    struct archive_stats st;
    struct clock later = clock_virtual(clock_now(clock_system()) + 7200 * NS_PER_S);

    snprintf(dir, sizeof(dir), "%s/archive", b->redis->dir);
    snprintf(id, sizeof(id), "%s/s1", b->redis->dir);
    assert_int_equal(bench_enrol(b, "s1", "jm", id), 0);
    struct client *c = bench_client(b, id);
    for (unsigned i = 0; i < 40; i++)
        post(c, 1 + 10 * i, 10);
    struct archive_conf conf = { .store = b->redis->store, .dir = dir, .clock = &later };
    struct archive *a = archive_start(&conf);
    wait_records(a, 400);
    assert_int_equal(length(b), 40); /* nobody has folded */
    archive_stop(a);
    command(b, "HDEL {jm}:arc pos");
    command(b, "HSET {jm}:fold pos 99999999999999-0:all");
    a = archive_start(&conf);
    wait_records(a, 400);
    archive_stats(a, &st);
    assert_int_equal(st.records, 0);
    assert_int_equal(st.doubles, 400);
    archive_stop(a);
    assert_true(length(b) <= 16); /* a node of the stream stays */
    char *path = data_path(dir, 1);
    assert_int_equal(lines_in(path), 400);
    free(path);
    client_free(c);
}

static int64_t ask(struct bench *b, const char *text)
{
    struct store_reply *r;
    store_command(store_conn(b->redis->store, NULL), &r, text);
    int64_t n = store_reply_int(r);
    store_reply_free(r);
    return n;
}

/* An empty store, then one that is younger: the archive gives back what is missing, once. */
static void older_store_gets_back_what_the_archive_has(void **state)
{
    struct bench *b = *state;
    char dir[128], id[128];
    uint64_t records, now = clock_now(clock_system());
    struct archive_conf conf = { .store = b->redis->store, .dir = dir };

    snprintf(dir, sizeof(dir), "%s/again", b->redis->dir);
    snprintf(id, sizeof(id), "%s/s2", b->redis->dir);
    assert_int_equal(bench_enrol(b, "s2", "jm", id), 0);
    struct client *c = bench_client(b, id);
    for (unsigned i = 0; i < 20; i++)
        post(c, 1 + 10 * i, 10);
    struct archive *a = archive_start(&conf);
    wait_records(a, 200);
    archive_stop(a);
    assert_int_equal(archive_replay(dir, &b->ingest, now, &records), 0);
    assert_int_equal(records, 0); /* nothing is missing */
    int64_t received = ask(b, "HGET {jm}:ledger:s2 received");
    command(b, "DEL {jm}:ing {jm}:pos:s2 {jm}:ledger:s2 {jm}:hours:s2 {jm}:arc");
    assert_int_equal(archive_replay(dir, &b->ingest, now, &records), 0);
    assert_int_equal(records, 200);
    assert_int_equal(ask(b, "HGET {jm}:ledger:s2 received"), received);
    assert_int_equal(archive_replay(dir, &b->ingest, now, &records), 0);
    assert_int_equal(records, 0);
    post(c, 201, 10); /* the sensor goes on where the lane stands */
    a = archive_start(&conf);
    wait_records(a, 210);
    archive_stop(a);
    /* and what is older than what is remembered stays in the files */
    command(b, "DEL {jm}:ing {jm}:pos:s2");
    uint64_t later = now + (ARCHIVE_DEDUP_DAYS + 2) * 86400 * NS_PER_S;
    assert_int_equal(archive_replay(dir, &b->ingest, later, &records), 0);
    assert_int_equal(records, 0);
    client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_written_twice, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(what_was_not_synced_is_not_there, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(torn_end_is_cut, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(damage_takes_one_batch, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(full_file_is_closed_and_hashed, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(records_are_found, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(pages_join_on, make_dir, drop_dir),
        cmocka_unit_test(filter_never_misses),
        cmocka_unit_test_setup_teardown(stream_is_archived_then_trimmed, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(older_store_gets_back_what_the_archive_has, bench_setup,
                                        bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
