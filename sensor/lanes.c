/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's prefixes as a look-up table. */
#include "config.h"
#include "sensor/lanes.h"

#include "common/err.h"
#include "common/log.h"
#include "sensor/alert/lane.h"
#include "sensor/conf.h"

struct lane_table *lanes_create(const struct sensor_conf *c)
{
    const char *home = c->home_state ? c->home_state : "rg";
    struct lane_table *t = lane_table_create(home);
    if (!t)
        log_error("states", "home-state %s is no member state's code", home);
    for (uint32_t i = 0; t && i < c->states_count; i++) {
        int err = lane_table_add(t, c->states[i].prefix, c->states[i].state);
        if (err < 0) {
            log_error("states", "%s, %s: %s", c->states[i].prefix, c->states[i].state,
                      err_text(err));
            lane_table_free(t);
            return NULL;
        }
    }
    return t;
}
