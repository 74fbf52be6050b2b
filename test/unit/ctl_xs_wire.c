/* SPDX-License-Identifier: MIT */
/* The framing: what goes in comes out, wherever the stream is cut; what the protocol does not allow is
 * refused. */
#include "controller/store/xs_wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/unit.h"

static struct xs_buffer buffer;

static void teardown(void)
{
    xs_buffer_free(&buffer);
}

static void append(enum xsd_sockmsg_type type, uint32_t id, const char *body, size_t len)
{
    ck_assert_int_eq(xs_wire_append(&buffer, type, id, 0, body, len), 0);
}

START_TEST(request_is_laid_out_as_the_protocol_says)
{
    ck_assert_int_eq(xs_wire_append(&buffer, XS_READ, 77, 5, "/a", 3), 0);
    struct xsd_sockmsg header;
    ck_assert_uint_eq(buffer.len, sizeof header + 3);
    memcpy(&header, buffer.data, sizeof header);
    ck_assert_uint_eq(header.type, XS_READ);
    ck_assert_uint_eq(header.req_id, 77);
    ck_assert_uint_eq(header.tx_id, 5);
    ck_assert_uint_eq(header.len, 3);
    ck_assert_mem_eq(buffer.data + sizeof header, "/a", 3);
    ck_assert_uint_eq(xs_wire_size(buffer.data), buffer.len);
}
END_TEST

START_TEST(longest_body_passes_and_a_longer_one_does_not)
{
    static const char body[XENSTORE_PAYLOAD_MAX + 1];
    struct xs_message m;
    size_t size;

    append(XS_READ, 1, body, XENSTORE_PAYLOAD_MAX);
    ck_assert_uint_eq(buffer.len, XS_MESSAGE_MAX);
    ck_assert_int_eq(xs_wire_append(&buffer, XS_READ, 2, 0, body, sizeof body), -E2BIG);
    ck_assert_uint_eq(buffer.len, XS_MESSAGE_MAX);
    ck_assert_int_eq(xs_wire_parse(buffer.data, buffer.len, &m, &size), 1);
    ck_assert_uint_eq(m.len, XENSTORE_PAYLOAD_MAX);
}
END_TEST

/* Four messages in a row, seen up to every byte: as many as are whole, never one too early. */
START_TEST(stream_may_be_cut_anywhere)
{
    static const struct {
        enum xsd_sockmsg_type type;
        const char *body;
        size_t len;
    } sent[] = {
        {XS_READ, "value", 5},
        {XS_WRITE, "", 0},
        {XS_WATCH_EVENT, "/path\0token", 12},
        {XS_ERROR, "ENOENT", 7},
    };
    size_t ends[4], n = sizeof sent / sizeof *sent;

    for (size_t i = 0; i < n; i++) {
        append(sent[i].type, (uint32_t)i, sent[i].body, sent[i].len);
        ends[i] = buffer.len;
    }
    for (size_t cut = 0; cut <= buffer.len; cut++) {
        char *part = malloc(cut + 1); /* of that size, so that a sanitizer sees a look behind it */
        ck_assert_ptr_nonnull(part);
        memcpy(part, buffer.data, cut);
        size_t at = 0, size = 0, found = 0;
        struct xs_message m;
        while (xs_wire_parse(part + at, cut - at, &m, &size) == 1) {
            ck_assert_uint_eq(m.type, sent[found].type);
            ck_assert_uint_eq(m.req_id, found);
            ck_assert_uint_eq(m.len, sent[found].len);
            ck_assert_mem_eq(m.body, sent[found].body, m.len);
            at += size;
            ck_assert_uint_eq(at, ends[found]);
            found++;
        }
        size_t whole = 0;
        while (whole < n && ends[whole] <= cut)
            whole++;
        ck_assert_uint_eq(found, whole);
        ck_assert_int_eq(xs_wire_parse(part + at, cut - at, &m, &size), 0);
        free(part);
    }
}
END_TEST

START_TEST(event_has_a_path_and_a_token)
{
    struct xs_message m;
    size_t size;

    append(XS_WATCH_EVENT, 0, "/a\0t", 5);
    ck_assert_int_eq(xs_wire_parse(buffer.data, buffer.len, &m, &size), 1);
    ck_assert_str_eq(xs_event_path(&m), "/a");
    ck_assert_str_eq(xs_event_token(&m), "t");
}
END_TEST

static const struct {
    uint32_t type, len;
    const char *body;
    uint32_t body_len;
} strange[] = {
    {XS_TYPE_COUNT, 0, "", 0},
    {XS_SET_TARGET + 1, 0, "", 0},
    {XS_INVALID, 0, "", 0},
    {UINT32_MAX, 0, "", 0},
    {XS_WATCH_EVENT, 0, "", 0},
    {XS_WATCH_EVENT, 2, "/a", 2},
    {XS_WATCH_EVENT, 3, "/a", 3},
    {XS_WATCH_EVENT, 4, "/a\0t", 4},
    {XS_WATCH_EVENT, 7, "/a\0t\0x", 7},
    {XS_WATCH_EVENT, 6, "/a\0t\0", 6},
};

START_TEST(strange_messages_can_be_passed_over)
{
    struct xsd_sockmsg header = {.type = strange[_i].type, .len = strange[_i].len};
    char data[64];
    struct xs_message m;
    size_t size;

    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, strange[_i].body, strange[_i].body_len);
    ck_assert_int_eq(xs_wire_parse(data, sizeof header + strange[_i].body_len, &m, &size), 1);
    ck_assert_uint_eq(m.type, XS_INVALID);
    ck_assert_uint_eq(size, sizeof header + strange[_i].len);
}
END_TEST

static const uint32_t too_long[] = {XENSTORE_PAYLOAD_MAX + 1, UINT32_MAX};

START_TEST(too_long_is_refused)
{
    struct xsd_sockmsg header = {.type = XS_READ, .len = too_long[_i]};
    struct xs_message m;
    size_t size;
    ck_assert_int_eq(xs_wire_parse((const char *)&header, sizeof header, &m, &size), -EPROTO);
}
END_TEST

START_TEST(what_is_cut_is_the_beginning)
{
    (void)xs_wire_append(&buffer, XS_READ, 1, 0, "/abc", 5);
    size_t len = buffer.len;
    xs_buffer_cut(&buffer, 0);
    ck_assert_uint_eq(buffer.len, len);
    xs_buffer_cut(&buffer, sizeof(struct xsd_sockmsg));
    ck_assert_uint_eq(buffer.len, 5);
    ck_assert_mem_eq(buffer.data, "/abc", 5);
    xs_buffer_cut(&buffer, 5);
    ck_assert_uint_eq(buffer.len, 0);
}
END_TEST

START_TEST(errors_by_name)
{
    ck_assert_int_eq(xs_wire_error("ENOENT", 7), -ENOENT);
    ck_assert_int_eq(xs_wire_error("ENOENT", 6), -ENOENT); /* without its NUL */
    ck_assert_int_eq(xs_wire_error("EPERM", 6), -EPERM);
    ck_assert_int_eq(xs_wire_error("E2BIG", 6), -E2BIG);
    ck_assert_int_eq(xs_wire_error("ENO", 4), -EIO);
    ck_assert_int_eq(xs_wire_error("ENOENTX", 8), -EIO);
    ck_assert_int_eq(xs_wire_error("", 0), -EIO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xs_wire");
    TCase *tc = tcase_create("xs_wire");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, request_is_laid_out_as_the_protocol_says);
    tcase_add_test(tc, longest_body_passes_and_a_longer_one_does_not);
    tcase_add_test(tc, stream_may_be_cut_anywhere);
    tcase_add_test(tc, event_has_a_path_and_a_token);
    tcase_add_loop_test(tc, strange_messages_can_be_passed_over, 0, (int)(sizeof strange / sizeof *strange));
    tcase_add_loop_test(tc, too_long_is_refused, 0, (int)(sizeof too_long / sizeof *too_long));
    tcase_add_test(tc, what_is_cut_is_the_beginning);
    tcase_add_test(tc, errors_by_name);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
