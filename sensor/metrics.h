/* SPDX-License-Identifier: Apache-2.0 */
/**
 * stats.prom: the counters of stats.json as Prometheus reads them, for node_exporter's textfile
 * collector: a sensor has no inbound port to be asked at. Names are abeng_STAGE_WHAT_total; the
 * help texts are those of the stages' tables.
 */
#ifndef SENSOR_METRICS_H
#define SENSOR_METRICS_H

struct statsfile;

/** Write all to `fd`. 0 or ABENG_EIO. */
int metrics_write(const struct statsfile *s, int fd);

#endif
