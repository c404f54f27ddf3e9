/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the NTP parser. */
#include "config.h"
#include "sensor/decode/packet.h"
#include "tests/fuzz/app_fuzz.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return app_fuzz_run(SIG_APP_NTP, PACKET_PROTO_UDP, data, size);
}
