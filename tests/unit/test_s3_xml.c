/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3/xml.c: what a store may send, and what a hostile one would like to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "s3/call.h"

static char seen[4096];

static int
on_open(void *user, const char *path)
{
    (void)user;
    strcat(seen, "<");
    strcat(seen, path);
    return strcmp(path, "Stop") == 0 ? -EFBIG : 0;
}

static int
on_close(void *user, const char *path, char *text, size_t len)
{
    (void)user;
    assert_int_equal(strlen(text), len);
    assert_true(strlen(seen) + strlen(path) + len + 8 < sizeof(seen));
    strcat(seen, " ");
    strcat(seen, path);
    strcat(seen, "=");
    strcat(seen, text);
    return 0;
}

static const struct s3_xml reader = {
    .root = {"Root", "Other"}, .open = on_open, .close = on_close};

static int
parse(const char *s)
{
    seen[0] = '\0';
    return s3_xml_parse(&reader, s, strlen(s), NULL, NULL);
}

static void
test_plain(void **state)
{
    (void)state;
    assert_int_equal(
        parse("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n   \n"
              "<Root xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
              "<A>x &amp; &#34;y&quot;</A> <B><C>\xc3\xa9</C><D/></B>"
              "</Root>\n"),
        0);
    assert_string_equal(seen, "<A A=x & \"y\"<B<B/C B/C=\xc3\xa9<B/D B/D= "
                              "B=");
    assert_int_equal(parse("<Other><A><![CDATA[a<b]]>c</A></Other>"), 0);
    assert_string_equal(seen, "<A A=a<bc");
    /* any namespace, with a prefix too */
    assert_int_equal(parse("<q:Root xmlns:q='urn:x'><q:A>1</q:A></q:Root>"),
                     0);
    assert_string_equal(seen, "<A A=1");
}

static void
test_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "no xml",
        "<html><body>proxy</body></html>",
        "<Root><A>",
        "<Root><A></B></Root>",
        "<Root/><Root/>",
        "<Root/>junk",
        "<Root>&unknown;</Root>",
        "<Root><A>\x01</A></Root>",
        "<Root><A>\xff</A></Root>",
        "<!DOCTYPE Root><Root/>",
        "<!DOCTYPE Root [<!ENTITY a \"x\">]><Root><A>&a;</A></Root>",
        "<!DOCTYPE Root SYSTEM \"file:///etc/passwd\"><Root/>",
        "<!DOCTYPE Root [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
        "<Root><A>&a;</A></Root>",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(parse(wrong[i]), -EPROTO);
    assert_int_equal(parse("<Root><Stop/><A/></Root>"), -EFBIG);
    assert_string_equal(seen, "<Stop");
}

static void
test_laughs(void **state)
{
    struct buf b = BUF_INIT(1 << 20);
    int i;

    (void)state;
    buf_adds(&b, "<!DOCTYPE Root [<!ENTITY l0 \"haha\">");
    for (i = 1; i < 20; i++)
        buf_addf(&b, "<!ENTITY l%d \"&l%d;&l%d;&l%d;&l%d;\">", i, i - 1, i - 1,
                 i - 1, i - 1);
    buf_adds(&b, "]><Root><A>&l19;</A></Root>");
    assert_int_equal(parse(buf_str(&b)), -EPROTO);
    assert_string_equal(seen, "");
    buf_free(&b);
}

static void
test_bounds(void **state)
{
    struct buf b = BUF_INIT(1 << 20);
    int i;

    (void)state;
    for (i = 0; i < 100000; i++)
        buf_adds(&b, i ? "<a>" : "<Root>");
    assert_int_equal(parse(buf_str(&b)), -EPROTO);
    buf_reset(&b);
    buf_adds(&b, "<Root><A>");
    for (i = 0; i < 20000; i++)
        buf_addc(&b, 'x');
    buf_adds(&b, "</A></Root>");
    assert_int_equal(parse(buf_str(&b)), -EPROTO);
    buf_reset(&b);
    buf_adds(&b, "<Root><");
    for (i = 0; i < 300; i++)
        buf_addc(&b, 'x');
    buf_adds(&b, "/></Root>");
    assert_int_equal(parse(buf_str(&b)), -EPROTO);
    buf_free(&b);
}

static int
parse_error(const char *s, struct s3_error *e, char *region)
{
    memset(e, 0, sizeof(*e));
    region[0] = '\0';
    seen[0] = '\0';
    return s3_xml_parse(&reader, s, strlen(s), e, region);
}

static void
test_error(void **state)
{
    char region[S3_REGION_MAX];
    struct s3_error e;

    (void)state;
    assert_int_equal(
        parse_error("<Error><Code>AccessDenied</Code><Message>No\n&amp;"
                    "</Message><RequestId>R</RequestId><HostId>H</HostId>"
                    "<Region>eu-west-1</Region><x><Code>Y</Code></x>"
                    "</Error>",
                    &e, region),
        S3_CALL_ERROR);
    assert_string_equal(seen, "");
    assert_string_equal(e.code, "AccessDenied");
    assert_string_equal(e.message, "No\\x0a&");
    assert_string_equal(e.request_id, "R");
    assert_string_equal(e.host_id, "H");
    assert_string_equal(region, "eu-west-1");
    parse_error("<Error><Code>InvalidObjectState</Code><Message>m</Message>"
                "<StorageClass>GLACIER</StorageClass></Error>",
                &e, region);
    assert_string_equal(e.message, "m (storage class GLACIER)");
    parse_error("<Error><Region>evil.example.org/</Region></Error>", &e,
                region);
    assert_string_equal(region, "");
    assert_int_equal(parse_error("<Error><Code>X", &e, region), -EPROTO);
}

static void
test_error_long(void **state)
{
    char region[S3_REGION_MAX], xml[8000];
    struct s3_error e;
    size_t at;

    (void)state;
    strcpy(xml, "<Error><Code>");
    at = strlen(xml);
    memset(xml + at, 'c', 3000);
    strcpy(xml + at + 3000, "</Code><Message>");
    at = strlen(xml);
    memset(xml + at, 'm', 3000);
    strcpy(xml + at + 3000,
           "</Message><StorageClass>GLACIER</StorageClass></Error>");
    assert_int_equal(parse_error(xml, &e, region), S3_CALL_ERROR);
    assert_true(strlen(e.code) < sizeof(e.code));
    assert_true(strlen(e.message) < sizeof(e.message));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_laughs), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_error),  cmocka_unit_test(test_error_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
