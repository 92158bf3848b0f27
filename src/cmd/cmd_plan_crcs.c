/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan --sizes: where CRCs would come from, where no store says it.
 */
#include "cmd/cmd_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int
cmd_plan_crcs_assumed(const struct layout *l, const struct conf *conf,
                      struct plan_ask *ask, uint8_t **ret)
{
    enum plan_crc way =
        conf->crc == CONF_CRC_ORACLE ? PLAN_CRC_ORACLE : PLAN_CRC_READ;

    ask->finding = (struct plan_finding){
        .oracle = crc_oracle_new,
        .no_part_crc = conf->crc != CONF_CRC_AUTO,
        .full = conf->verify == CONF_VERIFY_FULL,
    };
    if (conf->crc == CONF_CRC_AUTO)
        return 0;
    ask->finding.way = *ret = malloc(l->zip.count + 1);
    if (!*ret)
        return -ENOMEM;
    memset(*ret, way, l->zip.count);
    return 0;
}
