/* SPDX-License-Identifier: MIT */
/* Which policy files are in force, and that a set is loaded as a whole or not at all. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/policy_dirs.h"
#include "test/lib/unit.h"

/* Each test runs in a process and a folder of its own. */
static char root[64];

static void setup(void)
{
    snprintf(root, sizeof root, "/tmp/xenrecon-policies-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chdir(root), 0);
    ck_assert_int_eq(mkdir("a", 0700) | mkdir("b", 0700), 0);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void put_policy(const char *path, const char *type, const char *owner)
{
    char text[128];
    snprintf(text, sizeof text, "version: 1\ntype: %s\nowner: %s\n", type, owner);
    put(path, text);
}

static const char *const both[] = {"a", "b"};
static const char untouched[] = "untouched";

/* Loads a and b, which must fail as `status` and leave the set alone. */
static struct diagnostic must_fail(int status)
{
    struct policy_set set = {.n = 42};
    struct diagnostic why;
    diagnostic_set(&why, untouched, 0, 0, NULL, 0, "%s", untouched);
    ck_assert_int_eq(policy_dirs_load(both, 2, true, &set, &why), status);
    ck_assert_uint_eq(set.n, 42);
    ck_assert_ptr_null(set.list);
    ck_assert_str_ne(why.file, untouched);
    return why;
}

START_TEST(test_later_folders_override)
{
    struct policy_set set = {0};
    struct diagnostic why;
    put_policy("a/one.yaml", "one", "kernel");
    put_policy("a/two.yaml", "two", "kernel");
    put_policy("b/two.yaml", "two", "external");
    put_policy("b/three.yaml", "three", "xenrecon");
    ck_assert_int_eq(policy_dirs_load(both, 2, true, &set, &why), 0);
    ck_assert_uint_eq(set.n, 3);
    ck_assert_int_eq(policy_set_find(&set, "one")->owner, OWNER_KERNEL);
    ck_assert_int_eq(policy_set_find(&set, "two")->owner, OWNER_EXTERNAL);
    ck_assert_str_eq(policy_set_find(&set, "two")->source, "b/two.yaml");
    ck_assert_int_eq(policy_set_find(&set, "three")->owner, OWNER_XENRECON);
    policy_set_clear(&set);
}
END_TEST

/* A file that is replaced is not in force: it may be wrong, or declare what another declares. */
START_TEST(test_overridden_files_are_not_read)
{
    struct policy_set set = {0};
    struct diagnostic why;
    put("a/one.yaml", "rubbish");
    put_policy("b/one.yaml", "one", "kernel");
    put_policy("a/x.yaml", "two", "kernel");
    put_policy("b/x.yaml", "three", "kernel");
    put_policy("b/y.yaml", "two", "kernel");
    ck_assert_int_eq(policy_dirs_load(both, 2, true, &set, &why), 0);
    ck_assert_uint_eq(set.n, 3);
    policy_set_clear(&set);
}
END_TEST

START_TEST(test_only_yaml_files_by_name)
{
    static const char *const names[] = {"a/b.yaml",  "a/.hidden.yaml", "a/c.yml",
                                        "a/d.yaml~", "a/.yaml",        "a/a.yaml"};
    struct policy_files files;
    struct diagnostic why;
    for (int i = 0; i < COUNT(names); i++)
        put(names[i], "");
    put("b/ab.yaml", "");
    ck_assert_int_eq(policy_dirs_find(both, 2, true, &files, &why), 0);
    ck_assert_uint_eq(files.n, 3);
    ck_assert_str_eq(files.list[0].path, "a/a.yaml");
    ck_assert_str_eq(files.list[1].path, "b/ab.yaml");
    ck_assert_str_eq(files.list[2].path, "a/b.yaml");
    policy_dirs_free_files(&files);
    policy_dirs_free_files(&files);
}
END_TEST

START_TEST(test_one_type_in_two_files)
{
    put_policy("a/one.yaml", "same", "kernel");
    put_policy("b/two.yaml", "same", "external");
    struct diagnostic why = must_fail(-EEXIST);
    ck_assert_str_eq(why.file, "b/two.yaml");
    ck_assert_ptr_nonnull(strstr(why.message, "a/one.yaml"));
    ck_assert_ptr_nonnull(strstr(why.message, "same"));
}
END_TEST

START_TEST(test_one_bad_file)
{
    put_policy("a/one.yaml", "one", "kernel");
    put("b/bad.yaml", "version: 1\ntype: bad\nownr: kernel\n");
    put_policy("b/two.yaml", "two", "kernel");
    struct diagnostic why = must_fail(-EINVAL);
    ck_assert_str_eq(why.file, "b/bad.yaml");
    ck_assert_uint_eq(why.line, 3);
}
END_TEST

START_TEST(test_missing_folder)
{
    ck_assert_int_eq(rmdir("b"), 0);
    struct diagnostic why = must_fail(-ENOENT);
    ck_assert_str_eq(why.file, "b");
}
END_TEST

START_TEST(test_dangling_link)
{
    ck_assert_int_eq(symlink("nowhere", "a/one.yaml"), 0);
    struct diagnostic why = must_fail(-ENOENT);
    ck_assert_str_eq(why.file, "a/one.yaml");
}
END_TEST

/* Opening one for reading would wait for a writer. */
START_TEST(test_fifo)
{
    ck_assert_int_eq(mkfifo("a/one.yaml", 0600), 0);
    struct diagnostic why = must_fail(-EINVAL);
    ck_assert_str_eq(why.message, "is not a regular file");
}
END_TEST

START_TEST(test_size_limit)
{
    enum { LIMIT = 256 * 1024 };
    static const char policy[] = "version: 1\ntype: big\nowner: kernel\n#";
    char *text = malloc(LIMIT + 2);
    struct policy *p;
    struct mistakes mistakes = {0};
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', LIMIT + 1);
    memcpy(text, policy, sizeof policy - 1);
    text[LIMIT + 1] = '\0';
    put("a/big.yaml", text);
    ck_assert_int_eq(policy_dirs_load_file("a/big.yaml", true, &p, &mistakes), -EFBIG);
    text[LIMIT] = '\0';
    put("a/big.yaml", text);
    ck_assert_uint_eq(mistakes.n, 1);
    ck_assert_msg(policy_dirs_load_file("a/big.yaml", true, &p, &mistakes) == 0, "%s",
                  mistakes.first.message);
    policy_free(p);
    free(text);
}
END_TEST

START_TEST(test_empty_folders)
{
    struct policy_set set = {0};
    struct diagnostic why;
    ck_assert_int_eq(policy_dirs_load(both, 2, true, &set, &why), 0);
    ck_assert_uint_eq(set.n, 0);
    policy_set_clear(&set);
}
END_TEST

/* ---- who could have written them ---- */

enum { ANOTHER = 65534 };

static const struct {
    const char *path;
    mode_t mode;     /* 0: as it was */
    bool uid, gid;   /* another's; takes root */
    const char *why; /* NULL: it is obeyed */
} written_by[] = {
    {"a/one.yaml", 0666, false, false, "can be changed by others"},
    {"a/one.yaml", 0642, false, false, "can be changed by others"},
    {"a/one.yaml", 0664, false, true, "can be changed by others"},
    {"a/one.yaml", 0644, false, true, NULL},
    {"a/one.yaml", 0664, false, false, NULL}, /* a group of ours */
    {"a/one.yaml", 0600, true, false, "belongs to somebody"},
    {"a/link.yaml", 0, false, false, NULL},
    {"a", 0777, false, false, "can be changed by others"},
    {"a", 01777, false, false, "can be changed by others"},
    {"a", 0770, false, true, "can be changed by others"},
    {"a", 0755, true, false, "belongs to somebody"},
    {"b", 0, false, false, NULL},
};

START_TEST(test_others_could_write)
{
    struct policy_set set = {0};
    struct diagnostic why;
    const char *path = written_by[_i].path;
    put_policy("a/one.yaml", "one", "kernel");
    put_policy("elsewhere", "two", "kernel");
    ck_assert_int_eq(symlink("../elsewhere", "a/link.yaml"), 0);
    if (geteuid() && (written_by[_i].uid || written_by[_i].gid))
        return;
    ck_assert_int_eq(
        chown(path, written_by[_i].uid ? ANOTHER : geteuid(), written_by[_i].gid ? ANOTHER : getegid()), 0);
    if (written_by[_i].mode)
        ck_assert_int_eq(chmod(path, written_by[_i].mode), 0);
    if (written_by[_i].why) {
        why = must_fail(-EPERM);
        ck_assert_str_eq(why.file, path);
        ck_assert_ptr_nonnull(strstr(why.message, written_by[_i].why));
    }
    /* to look at them is no risk */
    ck_assert_int_eq(policy_dirs_load(both, 2, !written_by[_i].why, &set, &why), 0);
    ck_assert_uint_eq(set.n, 2);
    policy_set_clear(&set);
}
END_TEST

/* It is the file that counts, not the link to it. */
START_TEST(test_linked_file_of_another)
{
    put_policy("elsewhere", "two", "kernel");
    ck_assert_int_eq(chmod("elsewhere", 0666), 0);
    ck_assert_int_eq(symlink("../elsewhere", "a/link.yaml"), 0);
    struct diagnostic why = must_fail(-EPERM);
    ck_assert_str_eq(why.file, "a/link.yaml");
}
END_TEST

/* What is neither a file nor a link to one. */
START_TEST(test_no_file)
{
    static const char *const devices[] = {"/dev/zero", "/"};
    if (_i < COUNT(devices))
        ck_assert_int_eq(symlink(devices[_i], "a/one.yaml"), 0);
    else
        ck_assert_int_eq(mkdir("a/one.yaml", 0700), 0);
    struct diagnostic why = must_fail(-EINVAL);
    ck_assert_str_eq(why.file, "a/one.yaml");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("policy dirs");
    TCase *t = tcase_create("policy dirs");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_later_folders_override);
    tcase_add_test(t, test_overridden_files_are_not_read);
    tcase_add_test(t, test_only_yaml_files_by_name);
    tcase_add_test(t, test_one_type_in_two_files);
    tcase_add_test(t, test_one_bad_file);
    tcase_add_test(t, test_missing_folder);
    tcase_add_test(t, test_dangling_link);
    tcase_add_test(t, test_fifo);
    tcase_add_test(t, test_size_limit);
    tcase_add_test(t, test_empty_folders);
    tcase_add_loop_test(t, test_others_could_write, 0, COUNT(written_by));
    tcase_add_test(t, test_linked_file_of_another);
    tcase_add_loop_test(t, test_no_file, 0, 3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
