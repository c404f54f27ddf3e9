/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector's settings: the configuration file, and the command line over it.
 */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include <stdbool.h>

/** Settings; the strings are owned. */
struct collector_options {
    char *data_dir;
    char *listen;        /* analysts, "ADDRESS:PORT" */
    char *sensor_listen; /* sensors */
    char *redis;         /* address of an external one; NULL: our own */
    char *redis_password_file;
    char *redis_program; /* redis-server of our own */
    char *console_dir;
    char *classify; /* classification table; NULL: the host's, else the installed one */
    char *damping;  /* lists of what is likely harmless; NULL: as classify */
    char *assets;   /* table of assets; NULL: the host's, if there is one */
    char *smtp_url; /* mail server for notices; NULL: none are mailed */
    char *smtp_user, *smtp_password_file;
    char *mail_from;
    char *notify_ca;  /* CA certificates of mail server and webhooks; NULL: the system's */
    char *public_url; /* what recipients' links begin with; NULL: from the first name */
    char **names;     /* names and addresses of this host in certificates and tokens */
    unsigned names_count;
    unsigned incident_days; /* that ended incidents stay in the store; 0: RETIRE_DAYS */
    unsigned memory_mib;    /* of our own redis-server; 0: half of the machine */
    bool test;              /* -T: check settings and leave */
};

/**
 * Read the command line. 0 to go on, 1 when all is done (--help, --version), ABENG_EINVAL after a
 * log line that names the setting. Free with collector_options_free in every case.
 */
int collector_options_read(struct collector_options *o, int argc, char **argv);

/** Free what it owns. */
void collector_options_free(struct collector_options *o);

#endif
