/* SPDX-License-Identifier: MIT */
/* The asynchronous client, and a store that does not answer: once, for a while, or never again. */
#include "test/lib/played_store.h"
#include "test/lib/unit.h"

enum { DEADLINE = 50 /* milliseconds */ };

static void setup_short(void)
{
    setup();
    xs_client_set_deadline(client, DEADLINE);
}

/* Runs the loop until it is true; what takes longer is ended by check. */
#define UNTIL(condition) \
    while (!(condition)) \
    uv_run(&loop, UV_RUN_ONCE)

static bool something_to_take(void)
{
    return !nothing_to_take();
}

static struct xsd_sockmsg take_probe(void)
{
    UNTIL(something_to_take());
    struct xsd_sockmsg h = take();
    ck_assert_uint_eq(h.type, XS_READ);
    ck_assert_str_eq(body, "/");
    return h;
}

START_TEST(one_that_was_passed_by_times_out)
{
    ask(0);
    ask(1);
    turn();
    struct xsd_sockmsg forgotten = take();
    reply(take(), "1");
    uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(n_answers, 1);
    UNTIL(answers[0].times);
    ck_assert_int_eq(answers[0].status, -ETIMEDOUT);
    ck_assert_int_eq(answers[1].status, 0);
    ck_assert_uint_eq(xs_client_counters(client)->unanswered, 1);
    check_asleep();

    reply(forgotten, "late");
    turn();
    ck_assert_uint_eq(xs_client_counters(client)->unasked, 1);
    ask(2);
    turn();
    struct xsd_sockmsg h = take();
    if (strcmp(body, "/") == 0) /* it was asked whether it lives: this process was not run for a while */
        h = take();
    reply(h, "2");
    turn();
    ck_assert_str_eq(answers[2].text, "2");
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(the_last_one_is_found_out_about)
{
    ask(0);
    turn();
    take();
    struct xsd_sockmsg probe = take_probe();
    ck_assert_uint_eq(n_answers, 0);
    ask(1); /* later than the question, whose answer says nothing about it */
    turn();
    take();
    reply(probe, "");
    turn();
    ck_assert_uint_eq(n_answers, 1);
    ck_assert_int_eq(answers[0].status, -ETIMEDOUT);
    UNTIL(answers[1].times == 1 || something_to_take());
    ck_assert_uint_eq(answers[1].times, 0);
    reply(take(), "");
    UNTIL(answers[1].times);
    ck_assert_int_eq(answers[1].status, -ETIMEDOUT);
    ck_assert_uint_eq(xs_client_counters(client)->unasked, 0);
    check_asleep();
}
END_TEST

/* As one that is stopped, or updated: what it answers in the end counts. */
START_TEST(a_store_that_is_silent_is_waited_for)
{
    struct xsd_sockmsg h[3];
    for (unsigned i = 0; i < 3; i++)
        ask(i);
    turn();
    for (unsigned i = 0; i < 3; i++)
        h[i] = take();
    struct xsd_sockmsg first = take_probe(), second = take_probe(), third = take_probe();
    ck_assert_uint_eq(n_answers, 0);
    for (unsigned i = 0; i < 3; i++)
        reply(h[i], "v");
    reply(first, "");
    reply(second, "");
    reply(third, "");
    turn();
    ck_assert_uint_eq(n_answers, 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i].status, 0);
    ck_assert_uint_eq(xs_client_counters(client)->unanswered, 0);
    ck_assert_uint_eq(xs_client_counters(client)->unasked, 0);
    check_asleep();
}
END_TEST

START_TEST(and_given_up_in_the_end)
{
    ask(0);
    ask(1);
    turn();
    UNTIL(n_lost);
    check_lost(2);
    take();
    take();
    for (unsigned i = 0; i < XS_LINK_NUDGES; i++)
        take();
    ck_assert_int_eq(recv(peer, body, 1, 0), 0);
    turn();
    ck_assert_int_eq(uv_loop_alive(&loop), 0);
}
END_TEST

/* All places taken by what is never answered; the others still get theirs. */
START_TEST(places_come_back)
{
    for (unsigned i = 0; i < 2 * XS_CLIENT_IN_FLIGHT; i++)
        ask(i);
    turn();
    for (unsigned i = 0; i < XS_CLIENT_IN_FLIGHT; i++)
        take();
    reply(take_probe(), "");
    UNTIL(n_answers == XS_CLIENT_IN_FLIGHT);
    turn();
    for (unsigned i = 0; i < XS_CLIENT_IN_FLIGHT; i++) {
        ck_assert_int_eq(answers[i].status, -ETIMEDOUT);
        reply(take(), "v");
    }
    turn();
    for (unsigned i = XS_CLIENT_IN_FLIGHT; i < 2 * XS_CLIENT_IN_FLIGHT; i++)
        ck_assert_int_eq(answers[i].status, 0);
    check_asleep();
}
END_TEST

static void refuse(struct xsd_sockmsg h, const char *error)
{
    reply_text(XS_ERROR, h.req_id, error, strlen(error) + 1);
}

/* The store begins a transaction, and its answer is lost. Once it refuses another one, only the end of the
 * connection ends the first. */
START_TEST(transaction_that_may_be_left_open)
{
    store_begin(store, on_answer, &answers[0]);
    turn();
    reply(take(), "5");
    store_begin(store, on_answer, &answers[1]);
    ask(2);
    turn();
    take();
    reply(take(), "v");
    UNTIL(answers[1].times);
    ck_assert_int_eq(answers[1].status, -ETIMEDOUT);
    store_begin(store, on_answer, &answers[3]);
    turn();
    reply(take(), "7");
    turn();
    ck_assert_uint_eq(n_lost, 0);
    store_begin(store, on_answer, &answers[4]);
    turn();
    refuse(take(), "EBUSY");
    turn();
    ck_assert_uint_eq(n_lost, 1);
    ck_assert_int_eq(answers[4].status, -ECONNRESET);
}
END_TEST

START_TEST(a_refusal_alone_is_no_loss)
{
    store_begin(store, on_answer, &answers[0]);
    turn();
    reply(take(), "5");
    store_begin(store, on_answer, &answers[1]);
    turn();
    refuse(take(), "EBUSY");
    turn();
    ck_assert_uint_eq(n_lost, 0);
    ck_assert_int_eq(answers[1].status, -EBUSY);
}
END_TEST

START_TEST(ids_begin_again_after_their_last)
{
    struct xs_requests q;
    struct xs_slot slot;
    uint32_t id[4];
    xs_requests_init(&q);
    q.sequence = (UINT32_MAX >> XS_SLOT_BITS) - 2;
    xs_requests_pass_by(&q, UINT32_MAX - 3 * XS_SLOTS);
    for (unsigned i = 0; i < 4; i++)
        id[i] = xs_requests_start(&q, XS_READ, on_answer, &answers[i]);
    ck_assert_uint_lt(id[3], id[0]);
    ck_assert_uint_ge(id[2], XS_SLOTS);
    ck_assert(xs_requests_take(&q, id[3], &slot));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(xs_requests_expire(&q, 0, &slot));
        ck_assert_uint_eq(slot.id, id[i]);
    }
    ck_assert(!xs_requests_expire(&q, 0, &slot));
    xs_requests_settle(&q, SIZE_MAX);
    ck_assert_uint_eq(n_answers, 3);
}
END_TEST

/* ---- where one message is answered before the next is sent */

static void setup_short_device(void)
{
    setup_device();
    xs_client_set_deadline(client, DEADLINE);
}

/* Takes a message as the device gets it: whole. */
static struct xsd_sockmsg take_whole(void)
{
    char packet[XS_MESSAGE_MAX];
    struct xsd_sockmsg h;
    UNTIL(recv(peer, packet, 1, MSG_DONTWAIT | MSG_PEEK) > 0);
    ck_assert_int_ge(recv(peer, packet, sizeof packet, 0), (ssize_t)sizeof h);
    memcpy(&h, packet, sizeof h);
    memcpy(body, packet + sizeof h, h.len);
    body[h.len] = '\0';
    return h;
}

START_TEST(device_goes_on_with_the_next)
{
    ask(0);
    ask(1);
    turn();
    take_whole();
    struct xsd_sockmsg next = take_whole();
    ck_assert_str_eq(body, "/key/1");
    reply(next, "1");
    UNTIL(answers[0].times);
    ck_assert_int_eq(answers[0].status, -ETIMEDOUT);
    ck_assert_str_eq(answers[1].text, "1");
    ask(2);
    turn();
    take_whole();
    struct xsd_sockmsg probe = take_whole();
    ck_assert_str_eq(body, "/");
    reply(probe, "");
    UNTIL(answers[2].times);
    ck_assert_int_eq(answers[2].status, -ETIMEDOUT);
    check_asleep();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xs_client, its deadlines");
    TCase *tc = tcase_create("socket"), *device = tcase_create("device"), *pure = tcase_create("ids");

    tcase_add_checked_fixture(tc, setup_short, teardown);
    tcase_add_test(tc, one_that_was_passed_by_times_out);
    tcase_add_test(tc, the_last_one_is_found_out_about);
    tcase_add_test(tc, a_store_that_is_silent_is_waited_for);
    tcase_add_test(tc, and_given_up_in_the_end);
    tcase_add_test(tc, places_come_back);
    tcase_add_test(tc, transaction_that_may_be_left_open);
    tcase_add_test(tc, a_refusal_alone_is_no_loss);
    suite_add_tcase(s, tc);
    tcase_add_checked_fixture(device, setup_short_device, teardown);
    tcase_add_test(device, device_goes_on_with_the_next);
    suite_add_tcase(s, device);
    tcase_add_test(pure, ids_begin_again_after_their_last);
    suite_add_tcase(s, pure);
    return run_suite(s);
}
