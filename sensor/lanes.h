/* SPDX-License-Identifier: Apache-2.0 */
/** Which member state an address belongs to, as the configuration says. */
#ifndef SENSOR_LANES_H
#define SENSOR_LANES_H

struct lane_table;
struct sensor_conf;

/** The table of `states`, home by `home-state`. NULL after a log line. lane_table_free. */
struct lane_table *lanes_create(const struct sensor_conf *c);

#endif
