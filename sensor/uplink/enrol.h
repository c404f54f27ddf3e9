/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `abeng-sensor enrol`: from a one-time token to a client certificate.
 */
#ifndef SENSOR_ENROL_H
#define SENSOR_ENROL_H

/**
 * The subcommand with its own arguments (argv[0] is "enrol"). Returns the process's exit status.
 */
int enrol_main(int argc, char **argv);

#endif
