/* SPDX-License-Identifier: MIT */
/* The asynchronous client: what is asked, answered and announced, and how fast it reads. */
#include <sys/syscall.h>

#include "test/lib/played_store.h"
#include "test/lib/ticks.h"
#include "test/lib/unit.h"

/* What send(2) says next instead of sending, as the kernel's device would from write(2). */
static int refusal;

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    if (refusal) {
        errno = refusal;
        refusal = 0;
        return -1;
    }
    return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

START_TEST(nothing_happens_inside_the_call)
{
    turn();
    check_asleep();
    ask(0);
    ck_assert(nothing_to_take());
    ck_assert_int_eq(uv_backend_timeout(&loop), 0);
    turn();
    check_asleep();
    struct xsd_sockmsg h = take();
    ck_assert_uint_eq(h.type, XS_READ);
    ck_assert_str_eq(body, "/key/0");
    reply(h, "value");
    ck_assert_uint_eq(n_answers, 0);
    turn();
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_int_eq(answers[0].status, 0);
    ck_assert_str_eq(answers[0].text, "value");
    ck_assert_uint_eq(answers[0].len, 5);
    check_asleep();
}
END_TEST

START_TEST(one_turn_s_requests_are_one_write)
{
    for (unsigned i = 0; i < 50; i++)
        ask(i);
    turn();
    ck_assert_uint_eq(xs_client_counters(client)->requests, 50);
    ck_assert_uint_eq(xs_client_counters(client)->writes, 1);
}
END_TEST

START_TEST(replies_in_any_order)
{
    struct xsd_sockmsg h[5];
    for (unsigned i = 0; i < 5; i++)
        ask(i);
    turn();
    for (unsigned i = 0; i < 5; i++)
        h[i] = take();
    for (unsigned i = 0; i < 5; i++)
        for (unsigned k = 0; k < i; k++)
            ck_assert_uint_ne(h[i].req_id, h[k].req_id);
    for (unsigned i = 5; i--;) {
        char text[2] = {(char)('a' + i), '\0'};
        reply(h[i], text);
    }
    turn();
    ck_assert_uint_eq(n_answers, 5);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(order[i], 4 - i);
        ck_assert_int_eq(answers[i].text[0], (int)('a' + i));
    }
}
END_TEST

START_TEST(reply_in_single_bytes)
{
    struct xs_buffer b = {0};

    ask(0);
    turn();
    ck_assert_int_eq(xs_wire_append(&b, XS_READ, take().req_id, 0, "value", 5), 0);
    for (size_t i = 0; i < b.len; i++) {
        ck_assert_uint_eq(n_answers, 0);
        ck_assert_int_eq(write(peer, b.data + i, 1), 1);
        turn();
    }
    xs_buffer_free(&b);
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_str_eq(answers[0].text, "value");
    ck_assert_uint_eq(xs_client_counters(client)->pauses, 0);
}
END_TEST

START_TEST(replies_and_events_in_one_piece)
{
    struct xs_buffer b = {0};

    for (unsigned i = 0; i < 3; i++)
        ask(i);
    turn();
    ck_assert_int_eq(xs_wire_append(&b, XS_READ, take().req_id, 0, "1", 1), 0);
    ck_assert_int_eq(xs_wire_append(&b, XS_WATCH_EVENT, 0, 0, "/path\0token", 12), 0);
    ck_assert_int_eq(xs_wire_append(&b, XS_ERROR, take().req_id, 0, "ENOENT", 7), 0);
    ck_assert_int_eq(xs_wire_append(&b, XS_READ, take().req_id, 0, "", 0), 0);
    say(&b);
    xs_buffer_free(&b);
    turn();
    ck_assert_uint_eq(n_answers, 3);
    ck_assert_str_eq(answers[0].text, "1");
    ck_assert_int_eq(answers[1].status, -ENOENT);
    ck_assert_int_eq(answers[2].status, 0);
    ck_assert_uint_eq(answers[2].len, 0);
    ck_assert_uint_eq(n_events, 1);
    ck_assert_uint_eq(answers_at_event, 1);
    ck_assert_str_eq(event_path, "/path");
    ck_assert_str_eq(event_token, "token");
}
END_TEST

static void ask_again(void *arg, int status, const char *data, size_t len)
{
    on_answer(arg, status, data, len);
    ask(1);
}

START_TEST(request_from_a_completion)
{
    store_read(store, 0, "/first", ask_again, &answers[0]);
    turn();
    reply(take(), "1");
    turn();
    struct xsd_sockmsg h = take();
    ck_assert_str_eq(body, "/key/1");
    reply(h, "2");
    turn();
    ck_assert_uint_eq(n_answers, 2);
    ck_assert_str_eq(answers[1].text, "2");
}
END_TEST

static void ask_once(uv_prepare_t *handle)
{
    ask(0);
    uv_prepare_stop(handle);
}

/* The last moment before the loop goes to sleep. */
START_TEST(request_from_a_prepare_handle)
{
    uv_prepare_t prepare;
    uv_prepare_init(&loop, &prepare);
    uv_prepare_start(&prepare, ask_once);
    uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(!nothing_to_take());
    uv_close((uv_handle_t *)&prepare, NULL);
    turn();
}
END_TEST

START_TEST(limit_in_flight_keeps_the_order)
{
    unsigned n = XS_CLIENT_IN_FLIGHT * 3;
    struct xsd_sockmsg h;

    for (unsigned i = 0; i < n; i++)
        ask(i);
    turn();
    uint32_t first = 0;
    for (unsigned i = 0; i < n; i++) {
        char path[32];
        if (i >= XS_CLIENT_IN_FLIGHT) { /* no more come before another is answered */
            ck_assert(nothing_to_take());
            reply_text(XS_READ, first, "v", 1);
            turn();
        }
        h = take();
        snprintf(path, sizeof path, "/key/%u", i);
        ck_assert_str_eq(body, path);
        if (i == 0 || i >= XS_CLIENT_IN_FLIGHT)
            first = h.req_id;
    }
    ck_assert_uint_eq(n_answers, n - XS_CLIENT_IN_FLIGHT);
    check_asleep();
}
END_TEST

/* All that is in flight is answered in one piece; as much waits for its place. */
static void answer_a_window(void)
{
    struct xs_buffer b = {0};

    for (unsigned i = 0; i < 2 * XS_CLIENT_IN_FLIGHT; i++)
        ask(i);
    turn();
    for (unsigned i = 0; i < XS_CLIENT_IN_FLIGHT; i++)
        ck_assert_int_eq(xs_wire_append(&b, XS_READ, take().req_id, 0, "v", 1), 0);
    say(&b);
    xs_buffer_free(&b);
}

START_TEST(store_gets_more_to_do_between_answers)
{
    answer_a_window();
    turn();
    ck_assert_uint_eq(n_answers, XS_CLIENT_IN_FLIGHT);
    ck_assert_uint_ge(xs_client_counters(client)->writes, 4); /* the first, and at least three pieces */
    for (unsigned i = XS_CLIENT_IN_FLIGHT; i < 2 * XS_CLIENT_IN_FLIGHT; i++) {
        char path[32];
        snprintf(path, sizeof path, "/key/%u", i);
        take();
        ck_assert_str_eq(body, path);
    }
    ck_assert(nothing_to_take());
    check_asleep();
}
END_TEST

START_TEST(answers_behind_a_loss_that_sending_finds_count)
{
    answer_a_window();
    close(peer);
    peer = -1;
    turn();
    for (unsigned i = 0; i < 2 * XS_CLIENT_IN_FLIGHT; i++)
        ck_assert_int_eq(answers[i].status, i < XS_CLIENT_IN_FLIGHT ? 0 : -ECONNRESET);
    ck_assert_uint_eq(n_lost, 1);
}
END_TEST

START_TEST(too_long_a_request_is_refused)
{
    static char value[XENSTORE_PAYLOAD_MAX + 1];
    memset(value, 'v', sizeof value - 1);
    store_write(store, 0, "/key", value, on_answer, &answers[0]);
    ask(1);
    ck_assert_uint_eq(n_answers, 0);
    turn();
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_int_eq(answers[0].status, -E2BIG);
    take();
    ck_assert_str_eq(body, "/key/1");
}
END_TEST

/* More than the socket takes: the rest goes when there is room, whole and in order. */
START_TEST(store_that_reads_slowly)
{
    static char value[4001];
    memset(value, 'v', sizeof value - 1);
    for (unsigned i = 0; i < 400; i++)
        store_write(store, 0, "/key", value, on_answer, &answers[i]);
    turn();
    ck_assert_uint_lt(xs_client_counters(client)->bytes_written, (uint64_t)128 * 4000);
    for (unsigned i = 0; i < 400; i++) {
        struct xsd_sockmsg h = take();
        ck_assert_uint_eq(h.type, XS_WRITE);
        ck_assert_uint_eq(h.len, 4005);
        reply(h, "OK");
        turn();
    }
    ck_assert_uint_eq(n_answers, 400);
    for (unsigned i = 0; i < 400; i++)
        ck_assert_uint_eq(order[i], i);
    check_asleep();
}
END_TEST

START_TEST(long_directory_in_parts)
{
    store_directory(store, 0, "/d", on_answer, &answers[0]);
    turn();
    struct xsd_sockmsg h = take();
    ck_assert_uint_eq(h.type, XS_DIRECTORY);
    reply_text(XS_ERROR, h.req_id, "E2BIG", 6);
    turn();
    h = take();
    ck_assert_uint_eq(h.type, XS_DIRECTORY_PART);
    reply_text(XS_DIRECTORY_PART, h.req_id, "1\0one", 6);
    turn();
    h = take();
    ck_assert_str_eq(body + 3, "4");
    reply_text(XS_DIRECTORY_PART, h.req_id, "2\0two", 6); /* it changed */
    turn();
    h = take();
    ck_assert_str_eq(body + 3, "0");
    reply_text(XS_DIRECTORY_PART, h.req_id, "2\0three\0", 9);
    turn();
    ck_assert_int_eq(answers[0].status, 0);
    ck_assert_uint_eq(answers[0].len, 6);
    ck_assert_str_eq(answers[0].text, "three");
}
END_TEST

/* The kernel's device */

START_TEST(one_message_is_one_write)
{
    char packet[2 * XS_MESSAGE_MAX];
    for (unsigned i = 0; i < 20; i++)
        ask(i);
    turn();
    for (unsigned i = 0; i < 20; i++) {
        struct xsd_sockmsg h;
        ssize_t n = recv(peer, packet, sizeof packet, 0);
        ck_assert_int_ge(n, (ssize_t)sizeof h);
        memcpy(&h, packet, sizeof h);
        ck_assert_uint_eq((size_t)n, sizeof h + h.len);
        turn();
        /* the driver's buffer still holds this one: the next would be written over it */
        ck_assert_int_eq(recv(peer, packet, sizeof packet, MSG_DONTWAIT), -1);
        ck_assert_int_eq(errno, EAGAIN);
        reply(h, "v");
        turn();
    }
    ck_assert_uint_eq(n_answers, 20);
    ck_assert_uint_eq(xs_client_counters(client)->writes, 20);
}
END_TEST

START_TEST(device_refuses_one_request)
{
    ask(0);
    ask(1);
    refusal = EEXIST;
    turn();
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_int_eq(answers[0].status, -EEXIST);
    ck_assert_uint_eq(n_lost, 0);

    char packet[XS_MESSAGE_MAX];
    ck_assert_int_gt(recv(peer, packet, sizeof packet, 0), 0);
    ck_assert_str_eq(packet + sizeof(struct xsd_sockmsg), "/key/1");
}
END_TEST

START_TEST(device_is_gone)
{
    ask(0);
    ask(1);
    refusal = EIO;
    turn();
    check_lost(2);
}
END_TEST

/* The pace */

static bool flood;
static uint64_t flood_at;

/* One for every turn, and for every millisecond since: it remains a flood when we are slow. */
static void more_events(uv_check_t *handle)
{
    uint64_t now = uv_now(handle->loop);
    for (uint64_t i = flood_at; flood && i <= now; i++)
        event();
    flood_at = now;
}

/* As a guest could cause them; the loop must not turn for each. */
START_TEST(flood_is_read_in_larger_pieces)
{
    enum { TICK = 10 /* milliseconds */ };
    uv_check_t check;
    struct ticks ticks;

    uv_check_init(&loop, &check);
    uv_check_start(&check, more_events);
    ticks_start(&ticks, &loop, TICK);
    flood = true;
    flood_at = uv_now(&loop);
    event();
    (void)WITHIN(&ticks, 500 / TICK, false);
    const struct xs_counters *c = xs_client_counters(client);
    ck_assert_uint_gt(c->pauses, 10);
    ck_assert_uint_lt(c->reads, 500);

    /* An answer is not kept waiting, and the end of the flood is the end of the pauses. */
    ask(0);
    uv_run(&loop, UV_RUN_NOWAIT);
    reply(take(), "v");
    flood = false;
    ck_assert(WITHIN(&ticks, 100 / TICK, n_answers == 1));
    ck_assert_uint_gt(n_events, c->reads);
    uv_close((uv_handle_t *)&check, NULL);
    ticks_stop(&ticks);
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        turn();
    }
    check_asleep();
}
END_TEST

START_TEST(loss_in_a_pause)
{
    for (unsigned i = 0; xs_client_counters(client)->pauses == 0; i++) {
        ck_assert_uint_lt(i, 1000);
        event();
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ask(0);
    close(peer);
    peer = -1;
    while (!n_lost)
        uv_run(&loop, UV_RUN_ONCE);
    check_lost(1);
    ck_assert_int_eq(uv_loop_alive(&loop), 0);
}
END_TEST

static void add_socket_tests(TCase *tc)
{
    tcase_add_test(tc, nothing_happens_inside_the_call);
    tcase_add_test(tc, one_turn_s_requests_are_one_write);
    tcase_add_test(tc, replies_in_any_order);
    tcase_add_test(tc, reply_in_single_bytes);
    tcase_add_test(tc, replies_and_events_in_one_piece);
    tcase_add_test(tc, request_from_a_completion);
    tcase_add_test(tc, request_from_a_prepare_handle);
    tcase_add_test(tc, limit_in_flight_keeps_the_order);
    tcase_add_test(tc, store_gets_more_to_do_between_answers);
    tcase_add_test(tc, answers_behind_a_loss_that_sending_finds_count);
    tcase_add_test(tc, too_long_a_request_is_refused);
    tcase_add_test(tc, store_that_reads_slowly);
    tcase_add_test(tc, long_directory_in_parts);
    tcase_add_test(tc, flood_is_read_in_larger_pieces);
    tcase_add_test(tc, loss_in_a_pause);
}

int main(void)
{
    Suite *s = suite_create("xs_client");
    TCase *tc = tcase_create("socket");

    tcase_add_checked_fixture(tc, setup, teardown);
    add_socket_tests(tc);
    suite_add_tcase(s, tc);
    tc = tcase_create("device");
    tcase_add_checked_fixture(tc, setup_device, teardown);
    tcase_add_test(tc, one_message_is_one_write);
    tcase_add_test(tc, device_refuses_one_request);
    tcase_add_test(tc, device_is_gone);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
