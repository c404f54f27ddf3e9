/* SPDX-License-Identifier: Apache-2.0 */
/** The parsers by name, for the one list of them in parsers.c. */
#ifndef SENSOR_APP_PARSERS_H
#define SENSOR_APP_PARSERS_H

#include "sensor/app/parser.h"

extern const struct app_parser app_parser_dcerpc;
extern const struct app_parser app_parser_dhcp;
extern const struct app_parser app_parser_dns;
extern const struct app_parser app_parser_ike;
extern const struct app_parser app_parser_tls;
extern const struct app_parser app_parser_http;
extern const struct app_parser app_parser_http2;
extern const struct app_parser app_parser_mqtt;
extern const struct app_parser app_parser_krb5;
extern const struct app_parser app_parser_nfs;
extern const struct app_parser app_parser_ntp;
extern const struct app_parser app_parser_smb;
extern const struct app_parser app_parser_quic;
extern const struct app_parser app_parser_rfb;
extern const struct app_parser app_parser_sip;
extern const struct app_parser app_parser_snmp;
extern const struct app_parser app_parser_smtp;
extern const struct app_parser app_parser_ftp;
extern const struct app_parser app_parser_ftp_data;
extern const struct app_parser app_parser_ssh;
extern const struct app_parser app_parser_telnet;

#endif
