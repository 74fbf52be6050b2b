/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "schemas/nearest.h"

static const char help[] = "xenrecon: a reconciliation controller for Xen PV device backends\n"
                           "\n"
                           "Usage: xenrecon COMMAND [OPTION...] [ARGUMENT...]\n"
                           "\n"
                           "  run                    serve the devices of this domain: the daemon\n"
                           "  plan [DEVICE...]       show what `run` would do, without doing it\n"
                           "  explain DEVICE         show which rule decided for a device, and why\n"
                           "  status [DEVICE...]     show what the running daemon holds\n"
                           "  history DEVICE         show what the running daemon decided for it, and did\n"
                           "  events [DEVICE...]     show what happened on this host\n"
                           "  logs DEVICE...         show what its worker printed\n"
                           "  wait --for GOAL DEVICE wait until devices are as they should be\n"
                           "  check [DEVICE...]      say how they are, for a monitoring system\n"
                           "  policy check [FILE...] check policy files\n"
                           "  policy show [TYPE...]  print the policies in force, and where they come from\n"
                           "  policy new TYPE        print a policy to begin with\n"
                           "  policy schema          print the JSON Schema of policy files\n"
                           "\n"
                           "  --help                 this text; with a command, the command's\n"
                           "  --version              the version\n"
                           "\n"
                           "A DEVICE is TYPE/DOMAIN/DEVID, such as qdisk/7/51712, vif/web/0 or */web/*.\n"
                           "Exit status: 0, 1 on error, 64 when the command line is wrong.\n";

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} commands[] = {
    {"run", cmd_run},         {"plan", cmd_plan},     {"explain", cmd_explain}, {"status", cmd_status},
    {"history", cmd_history}, {"events", cmd_events}, {"logs", cmd_logs},       {"wait", cmd_wait},
    {"check", cmd_check},     {"policy", cmd_policy},
};

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    opterr = 0; /* getopt's own messages would not begin with our name */
    if (!word)
        return usage_error(NULL, "a command is missing");
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return print_help(help);
    if (strcmp(word, "--version") == 0)
        return print_help("xenrecon " XENRECON_VERSION "\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, commands[i].name) == 0)
            return commands[i].main(argc - 1, argv + 1);
    if (word[0] == '-')
        return usage_error(NULL, "%s is no option", word);
    struct nearest near = {.written = word};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        nearest_try(&near, commands[i].name);
    return usage_no_command(NULL, word, near.words[0]);
}
