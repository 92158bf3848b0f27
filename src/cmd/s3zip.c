/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip: what s3zipfs does, without FUSE.  Finds the subcommand, parses
 * its command line, runs it.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/cmd_stdio.h"

const struct command *const cmd_table[] = {
    &cmd_ls,      &cmd_plan,    &cmd_cat,    &cmd_publish, &cmd_verify,
    &cmd_extract, &cmd_cleanup, &cmd_doctor, NULL,
};

static const struct command *
find_command(const char *name)
{
    int i;

    for (i = 0; cmd_table[i]; i++)
        if (strcmp(cmd_table[i]->name, name) == 0)
            return cmd_table[i];
    return NULL;
}

static void
free_args(struct cmd_args *a)
{
    conf_free(&a->conf);
    free(a->bucket);
    free(a->root);
}

/* CMD_DONE to go on, else *code. */
static bool
take_words(const struct command *c, struct cmd_args *a, int *code)
{
    struct err e = {0};

    *code = CMD_DONE;
    if (a->help)
        *code = cmd_help(c);
    else if (a->version)
        puts("s3zip " VERSION);
    else if (a->words < c->min)
        *code = cmd_usage_error(c, "too few arguments");
    else if (a->words > c->max)
        *code = cmd_usage_error(c, "too many arguments");
    else if (c->url && a->words > 0 &&
             cmd_prefix(a->word[0], &a->bucket, &a->root, &e) < 0)
        *code = cmd_usage_error(c, e.text);
    else
        return true;
    return false;
}

static int
run_command(const struct command *c, int argc, char **argv)
{
    struct conf_flag flags[CMD_FLAGS];
    struct cmd_args a = {0};
    struct err e = {0};
    int code;

    if (conf_init(&a.conf) < 0)
        return CMD_FAILED;
    cmd_flags(c, &a, flags);
    if (conf_parse(&a.conf, flags, &argc, argv, &e) < 0 ||
        cmd_check_options(&a.conf, &e) < 0) {
        code = cmd_usage_error(c, e.text);
    } else {
        cmd_fit_memory(&a.conf);
        a.word = argv + 1;
        a.words = argc - 1;
        if (take_words(c, &a, &code))
            code = c->run(&a);
    }
    free_args(&a);
    return cmd_flush(code);
}

/* What stands before the subcommand. */
static int
run_word(int argc, char **argv)
{
    const char *word = argv[1];

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0)
        return cmd_flush(cmd_help(argc > 2 ? find_command(argv[2]) : NULL));
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts("s3zip " VERSION);
        return cmd_flush(CMD_DONE);
    }
    if (strcmp(word, "--pod") == 0 && argc == 3)
        return cmd_flush(cmd_pod(argv[2]));
    return -1;
}

int
main(int argc, char **argv)
{
    const struct command *c;
    char text[80];
    int code;

    if (cmd_stdio() < 0)
        return CMD_FAILED;    /* there may be nowhere to say so */
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report */
    if (argc < 2)
        return cmd_usage_error(NULL, "a command is needed");
    code = run_word(argc, argv);
    if (code >= 0)
        return code;
    c = find_command(argv[1]);
    if (!c) {
        snprintf(text, sizeof(text), "unknown command '%.40s'", argv[1]);
        return cmd_usage_error(NULL, text);
    }
    return run_command(c, argc - 1, argv + 1);
}
