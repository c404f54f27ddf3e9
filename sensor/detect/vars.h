/* SPDX-License-Identifier: Apache-2.0 */
/** Variables that regexes set (pcre) and rules ask (flowvar, pktvar). Worker only. */
#ifndef SENSOR_DETECT_VARS_H
#define SENSOR_DETECT_VARS_H

#include "sensor/detect/state.h"

/** Keep what the rule's regexes captured, now that it has matched. */
void detect_vars_keep(struct detect_job *job);

/** Whether a flowvar or pktvar condition holds. */
bool detect_var_test(const struct detect_job *job, const struct sig_op *op);

/** Forget a flow's variables. */
void detect_vars_free(struct detect_thread *t, struct detect_flow *f);

#endif
