/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of flow/: what stands in flow.private_. */
#ifndef SENSOR_FLOW_PRIVATE_H
#define SENSOR_FLOW_PRIVATE_H

enum flow_private {
    FLOW_PRIVATE_HASH,
    FLOW_PRIVATE_ARMED,    /* deadline under which the wheel has it */
    FLOW_PRIVATE_AT,       /* place in the wheel */
    FLOW_PRIVATE_NEXT,     /* in the wheel's list, then on the ended list */
    FLOW_PRIVATE_PREVIOUS, /* in the wheel's list */
    FLOW_PRIVATE_ENDED,    /* when it ended; 0 while it is in the table */
};

#endif
