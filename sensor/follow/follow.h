/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Another producer's eve.json brought under our promises (`--follow`): the place of engine and
 * writer is taken by a process that reads the file's lines.
 *
 * The way of a line: tail.h hands it out with its place; event_scan checks it; an alert gets its
 * lane by its victim's address, a number, and `abeng.source`, its place in the file; so it goes
 * into the spool, and from there on by the uplink as our own. What is no alert stays where it is.
 * Twice a second what was taken is fsynced and the place stored; a crash in between is mended at
 * the next start from the places that stand in the spool's own records (progress.h): nothing is
 * lost, nothing doubled. When the spool is crowded the file waits; nothing is shed for its sake.
 */
#ifndef SENSOR_FOLLOW_H
#define SENSOR_FOLLOW_H

#include <stdint.h>

struct lane_table;

struct follow_conf {
    const char *path;      /* eve.json */
    const char *spool_dir; /* is there */
    const char *state_dir; /* the place is stored here */
    int channel;           /* to the monitor (sensor/monitor/channel.h): stats.json is asked for */
    const char *user;      /* to become; it must be able to read `path` */
    const char *feed;      /* written as abeng.feed */
    uint64_t spool_bytes;  /* the spool's bound; 0: its default */
    const struct lane_table *lanes;
};

/**
 * Run until SIGTERM. Confines itself (user, privileges, Landlock, system calls). Returns the
 * process's exit status.
 */
int follow_run(const struct follow_conf *conf);

#endif
