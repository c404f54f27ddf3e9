/* SPDX-License-Identifier: Apache-2.0 */
/* abeng-collector. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "collector/options.h"
#include "collector/server.h"
#include "common/log.h"
#include "common/stop.h"

static int run(const struct collector_options *o)
{
    umask(0077);
    stop_block(); /* all threads are made after this */
    struct collector *c = collector_start(o);
    if (!c)
        return 1;
    sd_notify(0, "READY=1");
    log_notice("server", "%s: stopping", strsignal(stop_wait()));
    sd_notify(0, "STOPPING=1");
    collector_stop(c);
    return 0;
}

int main(int argc, char **argv)
{
    struct collector_options o;
    int status = 1;

    log_open("abeng-collector", LOG_LEVEL_NOTICE);
    int err = collector_options_read(&o, argc, argv);
    if (err == 0)
        status = o.test ? 0 : run(&o);
    else if (err > 0)
        status = 0;
    collector_options_free(&o);
    return status;
}
