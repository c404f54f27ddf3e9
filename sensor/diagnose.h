/* SPDX-License-Identifier: Apache-2.0 */
/** `abeng-sensor doctor`: the checks of sensor/doctor with what the configuration wants. */
#ifndef SENSOR_DIAGNOSE_H
#define SENSOR_DIAGNOSE_H

struct options;

/** Run and print them. The exit status: 1 when something is wrong. */
int diagnose(const struct options *o);

#endif
