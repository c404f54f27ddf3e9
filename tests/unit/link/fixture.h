/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What tests against a real store share: a folder of their own and a redis-server in it.
 */
#ifndef TESTS_UNIT_LINK_FIXTURE_H
#define TESTS_UNIT_LINK_FIXTURE_H

struct store;
struct store_embed;

struct fixture {
    char dir[64];
    struct store_embed *embed;
    struct store *store;
};

/** cmocka group set-up: `*state` becomes a struct fixture. */
int fixture_setup(void **state);

/** cmocka group tear-down: ends the server and removes the folder. */
int fixture_teardown(void **state);

/** Forget all keys (the function library stays). */
void fixture_flush(const struct fixture *f);

/** Remove a folder with all in it. */
void fixture_remove(const char *dir);

#endif
