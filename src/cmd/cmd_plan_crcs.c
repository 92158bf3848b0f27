/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan: where the CRCs would come from, as far as it can be told
 * without asking the store.
 */
#include "cmd/cmd_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/plan.h"

int
cmd_plan_crcs(const struct layout *l, struct crc_set *crcs, uint8_t **ret)
{
    uint8_t *way = malloc(l->zip.count + 1);
    uint32_t value;
    size_t i;

    if (!way)
        return -ENOMEM;
    for (i = 0; i < l->zip.count; i++)
        way[i] = crc_peek(crcs, i, &value) ? PLAN_CRC_KNOWN : PLAN_CRC_COPIES;
    *ret = way;
    return 0;
}

int
cmd_plan_crcs_assumed(const struct layout *l, enum conf_crc crc, uint8_t **ret)
{
    enum plan_crc way =
        crc == CONF_CRC_ORACLE ? PLAN_CRC_ORACLE : PLAN_CRC_READ;

    *ret = NULL;
    if (crc == CONF_CRC_AUTO)
        return 0;
    *ret = malloc(l->zip.count + 1);
    if (!*ret)
        return -ENOMEM;
    memset(*ret, way, l->zip.count);
    return 0;
}
