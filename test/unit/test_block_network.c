/* SPDX-License-Identifier: MIT */
/* Addresses of images that are somewhere else: what QEMU is told of them, and which are none. */
#include <check.h>
#include <jansson.h>

#include "reconcilers/block/network.h"
#include "test/lib/unit.h"

static const struct {
    const char *params, *options; /* NULL: it is no address of its kind */
} addresses[] = {
    {"nbd://host", "{'driver':'nbd','server':{'type':'inet','host':'host','port':'10809'}}"},
    {"raw:nbd://host", "{'driver':'nbd','server':{'type':'inet','host':'host','port':'10809'}}"},
    {"qcow2:nbd://host:1/a/b",
     "{'driver':'nbd','server':{'type':'inet','host':'host','port':'1'},'export':'a/b'}"},
    {"nbd://[2001:db8::1]:1", "{'driver':'nbd','server':{'type':'inet','host':'2001:db8::1','port':'1'}}"},
    {"nbd:host:1:exportname=a:b",
     "{'driver':'nbd','server':{'type':'inet','host':'host','port':'1'},'export':'a:b'}"},
    {"nbd:unix:/run/a", "{'driver':'nbd','server':{'type':'unix','path':'/run/a'}}"},
    {"nbd+unix:///web?socket=/run/a",
     "{'driver':'nbd','server':{'type':'unix','path':'/run/a'},'export':'web'}"},
    {"nbd://host/\xff", NULL},
    {"rbd:pool/image@\xff", NULL},
    {"http://host/\xff", NULL},
    {"nbd+unix:///web", NULL},
    {"nbd+unix://host/web?socket=/run/a", NULL},
    {"nbd:unix:a", NULL},
    {"nbd:host", NULL},
    {"nbd:", NULL},
    {"nbd://", NULL},
    {"nbd://[::1", NULL},
    {"iscsi://host/iqn.2001-04.org:a/1",
     "{'driver':'iscsi','transport':'tcp','portal':'host','target':'iqn.2001-04.org:a','lun':1}"},
    {"iscsi://me@host:1/a/0",
     "{'driver':'iscsi','transport':'tcp','portal':'host:1','target':'a','lun':0,'user':'me'}"},
    {"iscsi://me%secret@host/a/0", NULL},
    {"iscsi://host/a", NULL},
    {"iscsi://host//1", NULL},
    {"iscsi://host/a/-1", NULL},
    {"iscsi://host/a/1x", NULL},
    {"rbd:pool/image", "{'driver':'rbd','pool':'pool','image':'image'}"},
    {"rbd:pool/image@old:id=me:conf=/etc/ceph/a.conf",
     "{'driver':'rbd','pool':'pool','image':'image','snapshot':'old','user':'me','conf':'/etc/ceph/a.conf'}"},
    {"rbd:pool", NULL},
    {"rbd:/image", NULL},
    {"http://host/a?b", "{'driver':'http','url':'http://host/a?b'}"},
    {"https://host/a", "{'driver':'https','url':'https://host/a'}"},
    {"https://me:secret@host/a", NULL},
};

START_TEST(what_it_is_told)
{
    char why[256] = "";
    const char *params = addresses[_i].params, *address = network_address(params);
    ck_assert_ptr_nonnull(address);
    json_t *options = network_options(address, why);
    char *text = options ? json_dumps(options, JSON_COMPACT) : NULL;
    for (char *at = text; at && *at; at++)
        if (*at == '"')
            *at = '\'';
    ck_assert_pstr_eq(text, addresses[_i].options);
    ck_assert_int_eq(*why != '\0', !addresses[_i].options);
    free(text);
    json_decref(options);
}
END_TEST

START_TEST(no_address)
{
    static const char *const others[] = {
        "",          "/srv/a",    "raw:/srv/a", "qcow2:/srv/nbd:a", "qcow2:raw:nbd://host",
        "nbd",       "rbd",       "empty:",     "http:/a",          "file:http",
        "ssh://a/b", "NBD://host"};
    for (int i = 0; i < COUNT(others); i++)
        ck_assert_msg(!network_address(others[i]), "%s", others[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_network");
    TCase *tests = tcase_create("addresses");
    tcase_add_loop_test(tests, what_it_is_told, 0, COUNT(addresses));
    tcase_add_test(tests, no_address);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
