/* SPDX-License-Identifier: MIT */
/* The asynchronous client: the end of its connection, and its own. */
#include <sys/un.h>

#include "test/lib/played_store.h"
#include "test/lib/unit.h"

START_TEST(loss_answers_what_is_outstanding)
{
    for (unsigned i = 0; i < 200; i++) /* some of them wait */
        ask(i);
    turn();
    close(peer);
    peer = -1;
    turn();
    check_lost(200);

    ask(300); /* and without a connection */
    ck_assert_uint_eq(n_answers, 200);
    turn();
    ck_assert_uint_eq(n_answers, 201);
    ck_assert_int_eq(answers[300].status, -ECONNRESET);
    ck_assert_uint_eq(n_lost, 1);
}
END_TEST

START_TEST(loss_is_noticed_when_idle)
{
    turn();
    close(peer);
    peer = -1;
    uv_run(&loop, UV_RUN_ONCE); /* would wait for ever */
    check_lost(0);
}
END_TEST

START_TEST(loss_is_noticed_when_sending)
{
    close(peer);
    peer = -1;
    ask(0);
    uv_run(&loop, UV_RUN_NOWAIT);
    check_lost(1);
}
END_TEST

START_TEST(whole_replies_before_the_loss_count)
{
    ask(0);
    ask(1);
    turn();
    reply(take(), "1");
    take();
    close(peer);
    peer = -1;
    turn();
    ck_assert_uint_eq(n_lost, 1);
    ck_assert_str_eq(answers[0].text, "1");
    ck_assert_int_eq(answers[1].status, -ECONNRESET);
}
END_TEST

static void ask_on_loss(void *arg, int status, const char *data, size_t len)
{
    on_answer(arg, status, data, len);
    if (n_answers < 10)
        store_read(store, 0, "/again", ask_on_loss, &answers[n_answers]);
}

START_TEST(request_from_a_lost_completion)
{
    store_read(store, 0, "/first", ask_on_loss, &answers[0]);
    turn();
    close(peer);
    peer = -1;
    uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers_at_loss, 1); /* the new one was made afterwards */
    turn();
    ck_assert_uint_eq(n_answers, 10);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(answers[i].status, -ECONNRESET);
    ck_assert_uint_eq(n_lost, 1);
    ck_assert_int_eq(uv_loop_alive(&loop), 0);
}
END_TEST

static void say_unknown_type(struct xsd_sockmsg h)
{
    h.type = XS_TYPE_COUNT;
    h.len = 0;
    ck_assert_int_eq(write(peer, &h, sizeof h), sizeof h);
}

static void say_long_body(struct xsd_sockmsg h)
{
    h.len = XENSTORE_PAYLOAD_MAX + 1;
    ck_assert_int_eq(write(peer, &h, sizeof h), sizeof h);
}

static void say_unknown_id(struct xsd_sockmsg h)
{
    reply_text(XS_READ, h.req_id + XS_CLIENT_IN_FLIGHT, "v", 1);
}

static void say_free_slot(struct xsd_sockmsg h)
{
    reply_text(XS_READ, h.req_id + 5, "v", 1);
}

static void say_other_type(struct xsd_sockmsg h)
{
    reply_text(XS_DIRECTORY, h.req_id, "v", 1);
}

static void say_bad_event(struct xsd_sockmsg h)
{
    (void)h;
    reply_text(XS_WATCH_EVENT, 0, "/path", 6);
}

/* Where the next message begins nobody knows. */
START_TEST(malformed_stream_is_a_loss)
{
    ask(0);
    ask(1);
    turn();
    say_long_body(take());
    turn();
    check_lost(2);
    ck_assert_uint_eq(n_events, 0);
}
END_TEST

static void say_no_id(struct xsd_sockmsg h)
{
    (void)h;
    reply_text(XS_ERROR, 0, "ENOSYS", 7);
}

static void (*const unasked[])(struct xsd_sockmsg h) = {
    say_unknown_type, say_unknown_id, say_free_slot, say_other_type, say_bad_event, say_no_id,
};

START_TEST(what_nobody_asked_for_is_dropped)
{
    ask(0);
    ask(1);
    turn();
    struct xsd_sockmsg h = take();
    for (unsigned i = 0; i < 20; i++)
        unasked[_i](h);
    turn();
    ck_assert_uint_eq(n_answers, 0);
    ck_assert_uint_eq(n_events, 0);
    ck_assert_uint_eq(n_lost, 0);
    ck_assert_uint_eq(xs_client_counters(client)->unasked, 20);
    reply(h, "1");
    reply(take(), "2");
    unasked[_i](h);
    turn();
    ck_assert_uint_eq(n_answers, 2);
    ck_assert_str_eq(answers[0].text, "1");
    ck_assert_str_eq(answers[1].text, "2");
    ck_assert_uint_eq(xs_client_counters(client)->unasked, 21);
    check_asleep();
}
END_TEST

static void close_client(void)
{
    xs_client_close(client, on_client_closed, &client_closed);
    client = NULL;
}

START_TEST(close_answers_before_it_returns)
{
    for (unsigned i = 0; i < 200; i++)
        ask(i);
    uv_run(&loop, UV_RUN_NOWAIT);
    ask(200);
    close_client();
    ck_assert_uint_eq(n_answers, 201);
    for (unsigned i = 0; i < 201; i++)
        ck_assert_int_eq(answers[i].status, -ECANCELED);
    ck_assert(!client_closed);
    turn();
    ck_assert(client_closed);
    ck_assert_uint_eq(n_answers, 201);
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(close_without_a_connection)
{
    close(peer);
    peer = -1;
    turn();
    ask(0);
    close_client();
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_int_eq(answers[0].status, -ECONNRESET); /* as it had failed already */
    turn();
    ck_assert(client_closed);
}
END_TEST

static void close_in_completion(void *arg, int status, const char *data, size_t len)
{
    char copy[16];
    snprintf(copy, sizeof copy, "%s", data ? data : "");
    close_client();
    if (data)
        ck_assert_str_eq(data, copy); /* still good */
    on_answer(arg, status, data, len);
}

START_TEST(close_from_a_completion)
{
    struct xs_buffer b = {0};

    store_read(store, 0, "/first", close_in_completion, &answers[0]);
    ask(1);
    ask(2);
    turn();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(xs_wire_append(&b, XS_READ, take().req_id, 0, "v", 1), 0);
    say(&b);
    xs_buffer_free(&b);
    turn();
    ck_assert(client_closed);
    ck_assert_uint_eq(n_answers, 3);
    ck_assert_int_eq(answers[0].status, 0);
    ck_assert_int_eq(answers[1].status, -ECANCELED);
    ck_assert_int_eq(answers[2].status, -ECANCELED);
}
END_TEST

START_TEST(close_from_a_lost_completion)
{
    store_read(store, 0, "/first", close_in_completion, &answers[0]);
    ask(1);
    turn();
    close(peer);
    peer = -1;
    turn();
    ck_assert(client_closed);
    ck_assert_uint_eq(n_answers, 2);
    ck_assert_int_eq(answers[1].status, -ECONNRESET);
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(connect_twice)
{
    ck_assert_int_eq(xs_client_connect(client), -EISCONN);
}
END_TEST

/* On a listening socket of ours. */
START_TEST(reconnect_in_lost)
{
    char directory[] = "/tmp/xenrecon-test-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    attend(xs_client_new(&loop, address.sun_path));
    ck_assert_int_eq(xs_client_connect(client), -ENOENT);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(xs_client_connect(client), -ECONNREFUSED);
    ck_assert_int_eq(listen(listener, 5), 0);
    ck_assert_int_eq(xs_client_connect(client), 0);
    peer = accept(listener, NULL, NULL);
    set_timeout(peer);
    ask(0);
    turn();
    take();
    reconnect_when_lost = true;
    reconnected = -1;
    close(peer);
    turn();
    check_lost(1);
    ck_assert_int_eq(reconnected, 0);

    peer = accept(listener, NULL, NULL);
    set_timeout(peer);
    ask(1);
    turn();
    reply(take(), "again");
    turn();
    ck_assert_str_eq(answers[1].text, "again");
    reconnect_when_lost = false;
    close(listener);
    unlink(address.sun_path);
    rmdir(directory);
}
END_TEST

static void add_socket_tests(TCase *tc)
{
    tcase_add_test(tc, loss_answers_what_is_outstanding);
    tcase_add_test(tc, loss_is_noticed_when_idle);
    tcase_add_test(tc, loss_is_noticed_when_sending);
    tcase_add_test(tc, whole_replies_before_the_loss_count);
    tcase_add_test(tc, request_from_a_lost_completion);
    tcase_add_test(tc, malformed_stream_is_a_loss);
    tcase_add_loop_test(tc, what_nobody_asked_for_is_dropped, 0, (int)(sizeof unasked / sizeof *unasked));
    tcase_add_test(tc, close_answers_before_it_returns);
    tcase_add_test(tc, close_without_a_connection);
    tcase_add_test(tc, close_from_a_completion);
    tcase_add_test(tc, close_from_a_lost_completion);
    tcase_add_test(tc, connect_twice);
}

int main(void)
{
    Suite *s = suite_create("xs_client, its ends");
    TCase *tc = tcase_create("socket");

    tcase_add_checked_fixture(tc, setup, teardown);
    add_socket_tests(tc);
    suite_add_tcase(s, tc);
    tc = tcase_create("path");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, reconnect_in_lost);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
