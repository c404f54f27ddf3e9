/* SPDX-License-Identifier: Apache-2.0 */
/* abeng-sensor: one program, and each of its processes. */
#include "config.h"

#include <string.h>

#include "common/log.h"
#include "sensor/diagnose.h"
#include "sensor/options.h"
#include "sensor/ruleprofile.h"
#include "sensor/supervise.h"
#include "sensor/uplink/enrol.h"
#include "sensor/uplink/ledger.h"

int main(int argc, char **argv)
{
    struct options o;
    int status = 1;
    log_open("abeng-sensor", LOG_LEVEL_NOTICE);
    if (argc > 1 && strcmp(argv[1], "enrol") == 0)
        return enrol_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "ledger") == 0)
        return ledger_main(argc - 1, argv + 1);
    int err = options_read(&o, argc, argv);
    if (err == 0)
        status = o.doctor         ? diagnose(&o)
                 : o.show_profile ? ruleprofile_show(o.log_dir, o.top, o.json)
                                  : supervise(&o);
    else if (err > 0)
        status = 0;
    options_free(&o);
    return status;
}
