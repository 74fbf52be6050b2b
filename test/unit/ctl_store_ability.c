/* SPDX-License-Identifier: MIT */
/* What is concluded from a store's answers, and from how many. */
#include "controller/store/store_ability.h"

#include <check.h>
#include <errno.h>

#include "test/lib/unit.h"

static struct store_abilities can;

static void setup(void)
{
    can = (struct store_abilities){0};
}

static const struct {
    int status;
    bool lacks; /* at once */
} first[] = {
    {0, false},       {-ENOSYS, true},  {-EINVAL, true},      {-EACCES, true},
    {-EPERM, true},   {-EIO, true},     {-ETIMEDOUT, true},   {-ENOENT, false},
    {-ENOSPC, false}, {-ENOMEM, false}, {-ECONNRESET, false}, {-ECANCELED, false},
};

START_TEST(first_answer)
{
    store_judge(&can, ABILITY_INTRODUCED, first[_i].status);
    ck_assert_int_eq(store_lacks(&can, ABILITY_INTRODUCED), first[_i].lacks);
    ck_assert(!store_lacks(&can, ABILITY_PARTS));
    ck_assert_int_eq(store_unknown(&can, ABILITY_INTRODUCED), first[_i].status && !first[_i].lacks);
}
END_TEST

/* An accident may befall any request; that there are no transactions takes more. */
START_TEST(transactions_take_three)
{
    store_judge(&can, ABILITY_TRANSACTIONS, -EIO);
    store_judge(&can, ABILITY_TRANSACTIONS, -EIO);
    ck_assert(!store_lacks(&can, ABILITY_TRANSACTIONS));
    store_judge(&can, ABILITY_TRANSACTIONS, 0);
    store_judge(&can, ABILITY_TRANSACTIONS, -ENOSYS);
    store_judge(&can, ABILITY_TRANSACTIONS, -EIO);
    ck_assert(!store_lacks(&can, ABILITY_TRANSACTIONS));
    store_judge(&can, ABILITY_TRANSACTIONS, -EACCES);
    ck_assert(store_lacks(&can, ABILITY_TRANSACTIONS));
}
END_TEST

START_TEST(unless_it_says_that_it_knows_none)
{
    store_judge(&can, ABILITY_TRANSACTIONS, -ENOSYS);
    ck_assert(store_lacks(&can, ABILITY_TRANSACTIONS));
}
END_TEST

START_TEST(what_was_answered_once_is_only_lost)
{
    store_judge(&can, ABILITY_PARTS, 0);
    for (unsigned i = 0; i < 1000; i++)
        store_judge(&can, ABILITY_PARTS, -ETIMEDOUT);
    ck_assert(!store_lacks(&can, ABILITY_PARTS));
}
END_TEST

START_TEST(what_it_lacks_it_goes_on_to_lack)
{
    store_has_not(&can, ABILITY_ISOLATION, "seen");
    store_has(&can, ABILITY_ISOLATION);
    ck_assert(store_lacks(&can, ABILITY_ISOLATION));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store_ability");
    TCase *tc = tcase_create("store_ability");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, first_answer, 0, (int)(sizeof first / sizeof *first));
    tcase_add_test(tc, transactions_take_three);
    tcase_add_test(tc, unless_it_says_that_it_knows_none);
    tcase_add_test(tc, what_was_answered_once_is_only_lost);
    tcase_add_test(tc, what_it_lacks_it_goes_on_to_lack);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
