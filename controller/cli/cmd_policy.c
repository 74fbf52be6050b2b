/* SPDX-License-Identifier: MIT */
#include "controller/cli/cli.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/policy_dirs.h"
#include "controller/cli/policy_template.h"
#include "schemas/device.h"
#include "schemas/mem.h"
#include "schemas/nearest.h"
#include "schemas/printable.h"

static const char help[] =
    "Usage: xenrecon policy check [--quiet] [--policies DIR]... [FILE...]\n"
    "       xenrecon policy show [--policies DIR]... [TYPE]...\n"
    "       xenrecon policy new TYPE\n"
    "       xenrecon policy schema\n"
    "\n"
    "check    checks each FILE; without one the policies that are in force, or would be with --policies.\n"
    "         Every mistake in every file is told, with line and column. Exit status 1 if there is one.\n"
    "show     prints the policies in force, of all types or those named, each with the file that it comes\n"
    "         from and with every default filled in.\n"
    "new      prints a policy for devices of the TYPE to begin with: it only observes, and has all else "
    "that\n"
    "         may be said as comments.\n"
    "schema   prints the JSON Schema (draft-07) of policy files, for editors.\n"
    "\n"
    "  --quiet          of check: say nothing about files that are as they should be\n"
    "  --policies DIR   take the policies from DIR; of several, a later one's file replaces an\n"
    "                   earlier one's of the same name\n"
    "  --help           this text\n";

static void report_bad(void *arg, const struct diagnostic *why)
{
    (void)arg;
    char text[2 * sizeof *why];
    fflush(stdout); /* so that stdout and stderr come in order where they go to one place */
    fputs(diagnostic_format(why, text, sizeof text), stderr);
}

static bool quiet; /* --quiet was given */

static void report_good(const struct policy *p)
{
    struct arena a = {0};
    if (quiet)
        return;
    printf("%s: ok (type %s, owner %s)\n", printable(&a, p->source), p->type, owner_name(p->owner));
    arena_free(&a);
}

static bool check_file(const char *path)
{
    struct mistakes mistakes = {.each = report_bad};
    struct diagnostic why;
    struct policy *p;
    if (policy_dirs_load_file(path, false, &p, &mistakes))
        return false;
    report_good(p);
    if (policy_dirs_check_users(p, &why)) { /* it may be for another host */
        fflush(stdout);
        fputs("warning: this host's daemon would refuse it: ", stderr);
        report_bad(NULL, &why);
    }
    policy_free(p);
    return true;
}

/* Within a set no type may occur twice; among files that were named it may. Returns how many files are bad.
 */
static size_t check_set(const struct policy_files *files)
{
    struct policy_set set = {0};
    size_t bad = 0;
    for (size_t i = 0; i < files->n; i++) {
        struct mistakes mistakes = {.each = report_bad};
        struct diagnostic why;
        struct policy *p;
        if (policy_dirs_load_file(files->list[i].path, true, &p, &mistakes)) {
            bad++;
        } else if (policy_dirs_add(&set, p, &why)) {
            report_bad(NULL, &why);
            bad++;
        } else {
            report_good(p);
        }
    }
    policy_set_clear(&set);
    return bad;
}

static int check_result(size_t bad, size_t n)
{
    int status = finish_output();
    if (bad == 0)
        return status;
    log_error("%zu of %zu polic%s wrong", bad, n, n == 1 ? "y is" : "ies are");
    return STATUS_ERROR;
}

static int check_dirs(const char *const *dirs, size_t n_dirs)
{
    struct policy_files files;
    struct diagnostic why;
    if (policy_dirs_find(dirs, n_dirs, true, &files, &why)) {
        log_diagnostic(&why);
        return STATUS_ERROR;
    }
    if (files.n == 0)
        puts("there are no policies");
    size_t n = files.n, bad = check_set(&files);
    policy_dirs_free_files(&files);
    return check_result(bad, n);
}

static int check(int argc, char **argv, const char *const *dirs, size_t n_dirs)
{
    size_t bad = 0;
    if (argc == 0)
        return check_dirs(dirs, n_dirs);
    if (n_dirs)
        return usage_error("policy", "give either --policies or files");
    for (int i = 0; i < argc; i++)
        bad += !check_file(argv[i]);
    return check_result(bad, (size_t)argc);
}

static void show_one(const struct policy *p)
{
    struct arena a = {0};
    printf("---\n# from %s\n", printable(&a, p->source));
    policy_print(p, stdout);
    arena_free(&a);
}

static int show(int argc, char **argv, const char *const *dirs, size_t n_dirs)
{
    struct policy_set set = {0};
    struct diagnostic why;
    int status = STATUS_OK;
    if (policy_dirs_load(dirs, n_dirs, false, &set, &why)) {
        log_diagnostic(&why);
        return STATUS_ERROR;
    }
    for (size_t i = 0; argc == 0 && i < set.n; i++)
        show_one(set.list[i]);
    for (int i = 0; i < argc; i++) {
        const struct policy *p = policy_set_find(&set, argv[i]);
        if (p) {
            show_one(p);
        } else {
            struct nearest near = {.written = argv[i]};
            for (size_t j = 0; j < set.n; j++)
                nearest_try(&near, set.list[j]->type);
            log_error("there is no policy for the type %s%s%s%s", argv[i],
                      near.words[0] ? ", did you mean " : "", near.words[0] ? near.words[0] : "",
                      near.words[0] ? "?" : "");
            status = STATUS_ERROR;
        }
    }
    policy_set_clear(&set);
    int output = finish_output();
    return status ? status : output;
}

static int schema(int argc)
{
    if (argc)
        return usage_error("policy", "schema takes no arguments");
    char *text = policy_json_schema();
    fputs(text, stdout);
    if (text[0] && text[strlen(text) - 1] != '\n')
        putchar('\n');
    free(text);
    return finish_output();
}

static int new (int argc, char **argv)
{
    if (argc != 1)
        return usage_error("policy", "policy new wants a type, and nothing else");
    if (!device_name_valid(argv[0], strlen(argv[0])))
        return usage_error("policy", "\"%s\" can be no type: up to 31 letters, digits, - and _", argv[0]);
    policy_template_print(argv[0], stdout);
    return finish_output();
}

static int dispatch(int argc, char **argv, const char *const *dirs, size_t n_dirs)
{
    static const char *const commands[] = {"check", "show", "schema", "new"};
    if (argc == 0)
        return usage_error("policy", "policy check, show, new or schema?");
    if (strcmp(argv[0], "check") == 0)
        return check(argc - 1, argv + 1, dirs, n_dirs);
    if (strcmp(argv[0], "show") == 0)
        return show(argc - 1, argv + 1, dirs, n_dirs);
    if (strcmp(argv[0], "schema") == 0)
        return n_dirs ? usage_error("policy", "schema takes no --policies") : schema(argc - 1);
    if (strcmp(argv[0], "new") == 0)
        return n_dirs ? usage_error("policy", "new takes no --policies") : new (argc - 1, argv + 1);
    struct nearest near = {.written = argv[0]};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        nearest_try(&near, commands[i]);
    return usage_no_command("policy", argv[0], near.words[0]);
}

int cmd_policy(int argc, char **argv)
{
    static const struct option options[] = {
        {"policies", required_argument, NULL, 'p'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char **dirs = xcalloc((size_t)argc, sizeof *dirs);
    size_t n_dirs = 0;
    int c, status = -1;
    while (status < 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == 'p')
            dirs[n_dirs++] = optarg;
        else if (c == 'q')
            quiet = true;
        else
            status = c == 'h' ? print_help(help) : usage_bad_option("policy", c, argv);
    }
    if (status < 0)
        status = dispatch(argc - optind, argv + optind, dirs, n_dirs);
    free(dirs);
    return status;
}
