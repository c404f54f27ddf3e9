/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ASN.1's encodings (X.690) as certificates, Kerberos and SNMP use them: elements with tags of one
 * byte and definite lengths. What does not fit makes the cursor bad.
 */
#ifndef SENSOR_APP_DER_H
#define SENSOR_APP_DER_H

#include "common/cursor.h"

#define DER_INTEGER      0x02
#define DER_OCTET_STRING 0x04
#define DER_OID          0x06
#define DER_SEQUENCE     0x30
#define DER_SET          0x31
/** Tags of the application and of the context, constructed. */
#define DER_APPLICATION(n) (0x60 | (n))
#define DER_CONTEXT(n)     (0xa0 | (n))

/** The next element: its tag, and its contents as a cursor (X.690 8.1). */
struct cursor der_next(struct cursor *c, uint8_t *tag);

/** The next element, which must have `tag`. */
struct cursor der_want(struct cursor *c, uint8_t tag);

/** The next element when it has `tag`; else a bad cursor, and nothing is read. */
struct cursor der_optional(struct cursor *c, uint8_t tag);

/** The next INTEGER of up to eight bytes. */
int64_t der_integer(struct cursor *c);

#endif
