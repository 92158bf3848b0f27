/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Help, and the manual's sections, from the tables that the programs use.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "fs/fs_attributes.h"
#include "fs/fs_stats.h"

/* What ends a publish or a read with what; doc/product's table. */
static const struct {
    const char *name, *read, *publish;
} errors[] = {
    {"EACCES",
     "access denied, bad signature, or credentials that expired "
     "and could not be renewed",
     "the same"},
    {"EBUSY", NULL,
     "another job publishes to that destination; or the "
     "store answered 409 three times"},
    {"ECANCELED", NULL,
     "a member changed or went away meanwhile, or the "
     "job was cancelled"},
    {"ECONNABORTED", NULL, "the program is stopping"},
    {"ECONNREFUSED", "the store does not answer", "the same"},
    {"EEXIST", NULL,
     "the destination exists and is not ours (see "
     "overwrite); or names conflict (see badkeys)"},
    {"EFBIG", "more members than max_entries",
     "beyond a limit: members, parts, object size"},
    {"EHOSTUNREACH", "no route to the store, or no such host", "the same"},
    {"EILSEQ", NULL, "names that no archive can hold (see badkeys)"},
    {"EINTR", "interrupted", "interrupted; the upload was aborted"},
    {"EINVAL", NULL,
     "the destination is malformed, or would be a member "
     "of the archive"},
    {"EIO",
     "the store keeps failing, or a CRC-32 does not match (the key "
     "is in the log)",
     "the same"},
    {"EISDIR", NULL,
     "a directory: publish its archive, or use "
     "user.publish.async"},
    {"ENODATA", "a member is archived and must be restored first", "the same"},
    {"ENOENT", "no such bucket or key", "the same"},
    {"EOPNOTSUPP", NULL,
     "the store lists no ETag, so a change could not be "
     "noticed"},
    {"EPERM", NULL,
     "publishing here is not allowed (see publish and "
     "publish_to)"},
    {"EPROTO", "TLS failed, or a malformed answer", "the same"},
    {"EROFS", "anything that would change the tree", NULL},
    {"ESTALE", "a member changed or went away: open the archive again", NULL},
    {"ETIMEDOUT", "the store does not answer in time", "the same"},
};

static const struct {
    const char *code, *meaning;
} exits[] = {
    {"0", "Done."},
    {"1", "Failed; one line on standard error says why. Of cleanup: "
          "something could not be removed, a line for each; it stays in the "
          "journal, for another try."},
    {"2", "The command line is wrong; nothing was done."},
    {"130, 143", "A publish, extract or verify was ended by SIGINT or "
                 "SIGTERM; its uploads were aborted."},
};

/* ------------------------------------------------------------ sections */

static void
pod_synopsis(void)
{
    int i;

    for (i = 0; cmd_table[i]; i++)
        printf("    s3zip %s %s\n", cmd_table[i]->name,
               cmd_table[i]->synopsis);
    putchar('\n');
}

/* Those of one command; all have --help and --version. */
static void
pod_flags(const struct command *c)
{
    struct cmd_args a = {0};
    struct conf_flag flags[CMD_FLAGS];
    int i;

    if (!c->flags[0])
        return;
    cmd_flags(c, &a, flags);
    fputs("=over 4\n\n", stdout);
    for (i = 0; strcmp(flags[i].name, "help") != 0; i++) {
        fputs("=item ", stdout);
        if (flags[i].short_name)
            printf("B<-%c>, ", flags[i].short_name);
        printf("B<--%s>", flags[i].name);
        if (flags[i].arg)
            printf(" I<%s>", flags[i].arg);
        printf("\n\n%s\n\n", flags[i].help);
    }
    fputs("=back\n\n", stdout);
}

static void
pod_commands(void)
{
    int i;

    for (i = 0; cmd_table[i]; i++) {
        printf("=head2 %s\n\n%s\n\n", cmd_table[i]->name,
               cmd_table[i]->summary);
        pod_flags(cmd_table[i]);
    }
}

static void
pod_options(void)
{
    struct buf b = BUF_INIT(1 << 20);

    if (conf_pod(&b) == 0)
        cmd_print(&b);
    buf_free(&b);
}

static void
pod_errors(void)
{
    size_t i;

    fputs("=over 4\n\n", stdout);
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        printf("=item B<%s>\n\n", errors[i].name);
        if (errors[i].read)
            printf("Reading: %s.\n\n", errors[i].read);
        if (errors[i].publish)
            printf("Publishing: %s.\n\n", errors[i].publish);
    }
    fputs("=back\n\n", stdout);
}

static void
pod_exit(void)
{
    size_t i;

    fputs("=over 4\n\n", stdout);
    for (i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
        printf("=item B<%s>\n\n%s\n\n", exits[i].code, exits[i].meaning);
    fputs("=back\n\n", stdout);
}

static void
pod_from(int (*fill)(struct buf *out))
{
    struct buf b = BUF_INIT(1 << 16);

    if (fill(&b) == 0)
        cmd_print(&b);
    buf_free(&b);
}

static void
pod_status(void)
{
    pod_from(publish_status_pod);
}

static void
pod_stats(void)
{
    pod_from(fs_stats_pod);
}

static void
pod_attributes(void)
{
    fputs("=over 4\n\n", stdout);
    pod_from(fs_attributes_pod);
    fputs("=back\n\n", stdout);
}

int
cmd_pod(const char *section)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } sections[] = {
        {"synopsis", pod_synopsis}, {"commands", pod_commands},
        {"options", pod_options},   {"errors", pod_errors},
        {"exit", pod_exit},         {"status", pod_status},
        {"stats", pod_stats},       {"attributes", pod_attributes},
    };
    size_t i;

    for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strcasecmp(section, sections[i].name) != 0)
            continue;
        sections[i].print();
        return CMD_DONE;
    }
    return cmd_usage_error(NULL, "no such section");
}

/* ---------------------------------------------------------------- help */

static void
help_commands(void)
{
    int i;

    puts("usage: s3zip COMMAND ...\n\n"
         "Zip archives of S3 prefixes without carrying their bytes.\n\n"
         "Commands:");
    for (i = 0; cmd_table[i]; i++)
        printf("  %-9s %s\n", cmd_table[i]->name, cmd_table[i]->summary);
    puts("\ns3zip COMMAND --help says more.  Options of all commands:\n");
}

static void
help_command(const struct command *c)
{
    struct cmd_args a = {0};
    struct conf_flag flags[CMD_FLAGS];
    char name[64];
    int i;

    printf("usage: s3zip %s %s\n\n%s\n\n", c->name, c->synopsis, c->summary);
    cmd_flags(c, &a, flags);
    for (i = 0; flags[i].name; i++) {
        snprintf(name, sizeof(name), "--%s%s%s", flags[i].name,
                 flags[i].arg ? " " : "", flags[i].arg ? flags[i].arg : "");
        printf("  %-26s%s", name, flags[i].help);
        if (flags[i].short_name)
            printf(" Also -%c.", flags[i].short_name);
        putchar('\n');
    }
    putchar('\n');
}

int
cmd_help(const struct command *c)
{
    struct buf b = BUF_INIT(1 << 20);

    if (c)
        help_command(c);
    else
        help_commands();
    if (conf_help(&b) == 0)
        cmd_print(&b);
    buf_free(&b);
    return CMD_DONE;
}
