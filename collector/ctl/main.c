/* SPDX-License-Identifier: Apache-2.0 */
/* abengctl. */
#include "config.h"

#include "collector/ctl/ctl.h"

int main(int argc, char **argv)
{
    return ctl_main(argc, argv);
}
