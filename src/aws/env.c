/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The environment as it was at the start: getenv is not for threads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/aws_priv.h"

char **
env_copy(const char *const *override)
{
    const char *const *from =
        override ? override : (const char *const *)environ;
    size_t n = 0, i;
    char **copy;

    while (from && from[n])
        n++;
    copy = calloc(n + 1, sizeof(*copy));
    for (i = 0; copy && i < n; i++) {
        copy[i] = strdup(from[i]);
        if (!copy[i]) {
            env_free(copy);
            return NULL;
        }
    }
    return copy;
}

void
env_free(char **env)
{
    size_t i;

    for (i = 0; env && env[i]; i++) {
        explicit_bzero(env[i], strlen(env[i]));
        free(env[i]);
    }
    free(env);
}

const char *
env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return (*env)[n + 1] ? *env + n + 1 : NULL;
    return NULL;
}

bool
env_true(char *const *env, const char *name)
{
    return word_is_true(env_get(env, name));
}
