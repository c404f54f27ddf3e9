/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The command line of abeng-sensor, laid over the configuration file.
 */
#ifndef SENSOR_OPTIONS_H
#define SENSOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct sensor_conf;

struct options {
    struct sensor_conf *conf; /* owned */
    bool has_conf;            /* -c was given */
    bool keeps;               /* -c or --state-dir: there is a state folder of the sensor's own */
    const char **captures;    /* -r, in order; the strings are argv's */
    unsigned capture_count;
    const char **rules; /* -S, then the configuration's rule-files */
    unsigned rule_count;
    const char *rule_report; /* --rule-report FILE */
    const char *follow;      /* --follow FILE: another producer's eve.json in place of packets */
    const char *log_dir;
    bool rule_profile; /* --rule-profile */
    bool show_profile; /* the subcommand: print what a sensor wrote */
    unsigned top;      /* its rows */
    bool doctor; /* the subcommand: look at the host, then exit */
    bool test, json, check_checksums, profile_abeng, live;
    unsigned workers;
    unsigned drain_s; /* -r with an uplink: wait so long for the collector at the end */
};

/**
 * Read the command line. 0 to go on; 1 when all is done (--help, --version); ABENG_EINVAL after a
 * log line that says what is wrong. Free with options_free in every case.
 */
int options_read(struct options *o, int argc, char **argv);

/** Free. */
void options_free(struct options *o);

#endif
