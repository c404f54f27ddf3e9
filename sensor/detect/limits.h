/* SPDX-License-Identifier: Apache-2.0 */
/** What the packet path keeps and looks at, at most. */
#ifndef SENSOR_DETECT_LIMITS_H
#define SENSOR_DETECT_LIMITS_H

/** Bits or numbers kept on one flow; more are not set and counted. */
#define DETECT_BITS_MAX 256
/** Variables of one flow; more are not kept and count as bits do. */
#define DETECT_VARS_MAX 16
/** Rules half matched on one transaction and direction; more are dropped and counted. */
#define DETECT_TX_ENTRIES_MAX 4096
/** Instances of a multi-instance buffer that are looked at; more are counted. */
#define DETECT_INSTANCES_MAX 256
/** Bytes that transforms may make for one transaction. */
#define DETECT_TRANSFORM_BYTES (256u << 10)

/** Workers that have slots of their own for what rules cost. */
#define DETECT_PROFILE_WORKERS 64

/** Rules that stand in a flow's state itself. */
#define DETECT_ALWAYS_FEW 2

#endif
