/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords that are known and not done: their rules are refused with the reason, never weakened. */
#include "config.h"
#include "signatures/keyword/keyword.h"

/* clang-format off */
const struct sig_keyword keywords_refused[] = {
    { "modbus", NULL, 0, "Modbus is not detected, as in Suricata's own configuration" },
    { "dnp3_func", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3.func", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3_ind", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3.ind", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3_obj", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3.obj", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3_data", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "dnp3.data", NULL, 0, "DNP3 is not detected, as in Suricata's own configuration" },
    { "enip_command", NULL, 0, "EtherNet/IP is not detected, as in Suricata's own configuration" },
    { "cip_service", NULL, 0, "EtherNet/IP is not detected, as in Suricata's own configuration" },
    { "bittorrent_dht", NULL, 0, "the sensor has no parser for BitTorrent DHT yet" },
    { "lua", NULL, 0, "rules do not run scripts here" },
    { "luajit", NULL, 0, "rules do not run scripts here" },
    { "geoip", NULL, 0, "location tests are not supported yet" },
    { NULL, NULL, 0, NULL },
};
/* clang-format on */
