/* SPDX-License-Identifier: Apache-2.0 */
/* The register's inside, shared by sensors.c and sensors_json.c. */
#ifndef COLLECTOR_INGEST_REGISTER_H
#define COLLECTOR_INGEST_REGISTER_H

#include "collector/ingest/sensors.h"
#include "collector/store/store.h"

struct sensors {
    struct sensors_conf conf;
    struct http_server *server; /* NULL before sensors_attach */
};

/** Whether one of `states` ("jm,bb") is among those of `scope` ("jm" or "*"). */
bool sensors_in_scope(const char *scope, const char *states);

#endif
