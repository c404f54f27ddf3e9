/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: protocol detection; the first four bytes choose transport, direction and port. */
#include "config.h"
#include "sensor/app/probe.h"
#include "sensor/decode/packet.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct app_probes *probes;
    bool over;
    if (!probes)
        probes = app_probes_create();
    if (size < 4)
        return 0;
    unsigned proto = data[0] & 1 ? PACKET_PROTO_UDP : PACKET_PROTO_TCP;
    uint16_t port = (uint16_t)(data[2] << 8 | data[3]);
    (void)app_probe(probes, proto, data[1] & 1, port, data + 4, (uint32_t)(size - 4), &over);
    return 0;
}
