/* SPDX-License-Identifier: MIT */
/* Included by test_dump.c: what the text is, the text, and what is known after it was read. Longer than other
 * files, as it is one table that is read case by case, without any code. */
/* clang-format off */
    {"tree",
     "tool = \"\"\n"
     " xenstored = \"\"\n"
     "local = \"\"\n"
     " domain = \"x\"\n"
     "vm = \"\"\n",
     "/+\n"
     "/tool+\n"
     "/tool/xenstored+\n"
     "/local+\n"
     "/local/domain \"x\"+\n"
     "/vm+\n"},
    {"tree with permissions and dots",
     "local = \"\" . . . .  (n0)\n"
     " domain = \"\"  . . .  (n0,r7,w8,b9)\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"},
    {"paths",
     "/local = \"\"\n"
     "/local/domain = \"x\"\n"
     "/vm = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain \"x\"+\n"
     "/vm+\n"},
    {"paths with permissions",
     "/local = \"\"   (n0)\n"
     "/local/x = \"y\"   (n0)\"   (n0,r7)\n",
     "/+\n"
     "/local+\n"
     "/local/x \"y\"   (n0)\"+\n"},
    {"no final newline",
     "/local = \"\"\n"
     "/vm = \"x\"",
     "/+\n"
     "/local+\n"
     "/vm \"x\"+\n"},
    {"carriage returns",
     "local = \"\"\r\n"
     " domain = \"x\"\r\n",
     "/+\n"
     "/local+\n"
     "/local/domain \"x\"+\n"},
    {"an editor's mark",
     "\xef""\xbb""\xbf""local = \"\"\n"
     " domain = \"x\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain \"x\"+\n"},
    {"a sub-path, as paths",
     "/local/domain/7/device = \"\"\n"
     "/local/domain/7/device/vif = \"\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7+\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"},
    {"/local as a tree",
     "domain = \"\"\n"
     " 7 = \"\"\n",
     "/ (implied)\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7+\n"},
    {"/local/domain as a tree",
     "7 = \"\"\n"
     " domid = \"7\"\n"
     " name = \"g\"\n"
     "0 = \"\"\n"
     " name = \"d\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain+\n"
     "/local/domain/7+\n"
     "/local/domain/7/domid \"7\"+\n"
     "/local/domain/7/name \"g\"+\n"
     "/local/domain/0+\n"
     "/local/domain/0/name \"d\"+\n"},
    {"a domain as a tree, which says whose",
     "domid = \"7\"\n"
     "name = \"g\"\n"
     "backend = \"\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7+\n"
     "/local/domain/7/domid \"7\"+\n"
     "/local/domain/7/name \"g\"+\n"
     "/local/domain/7/backend+\n"},
    {"a domain as a tree, told by its frontends",
     "device = \"\"\n"
     " vif = \"\"\n"
     "  0 = \"\"\n"
     "   backend = \"/local/domain/0/backend/vif/7/0\"\n"
     "vm = \"\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7+\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"
     "/local/domain/7/device/vif/0+\n"
     "/local/domain/7/device/vif/0/backend \"/local/domain/0/backend/vif/7/0\"+\n"
     "/local/domain/7/vm+\n"},
    {"a domain as a tree, whose frontends contradict each other",
     "device = \"\"\n"
     " vif = \"\"\n"
     "  0 = \"\"\n"
     "   backend = \"/local/domain/0/backend/vif/7/0\"\n"
     "  1 = \"\"\n"
     "   backend = \"/local/domain/0/backend/vif/8/1\"\n",
     "/ (implied)\n"
     "! 1-6 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"a backend directory as a tree",
     "vif = \"\"\n"
     " 7 = \"\"\n"
     "  0 = \"\"\n"
     "   frontend = \"/local/domain/7/device/vif/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "- 1-4 nothing says which domain's directory this is: taken for domain 0's\n"},
    {"a type's directory as a tree",
     "7 = \"\"\n"
     " 0 = \"\"\n"
     "  frontend = \"/local/domain/7/device/vif/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend (implied)\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "- 1-3 nothing says whose backend this is, and of which type: taken for domain 0's, and for the frontend's type\n"},
    {"a device's directory as a tree",
     "frontend = \"/local/domain/7/device/vif/0\"\n"
     "state = \"4\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend (implied)\n"
     "/local/domain/0/backend/vif (implied)\n"
     "/local/domain/0/backend/vif/7 (implied)\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "/local/domain/0/backend/vif/7/0/state \"4\"+\n"
     "- 1-2 nothing says whose backend this is, and of which type: taken for domain 0's, and for the frontend's type\n"},
    {"a device directory as a tree",
     "vif = \"\"\n"
     " 0 = \"\"\n"
     "  backend = \"/local/domain/3/backend/vif/7/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"
     "/local/domain/7/device/vif/0+\n"
     "/local/domain/7/device/vif/0/backend \"/local/domain/3/backend/vif/7/0\"+\n"},
    {"relative paths of frontends",
     "device/vif = \"\"\n"
     "device/vif/0 = \"\"\n"
     "device/vif/0/backend = \"/local/domain/0/backend/vif/7/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"
     "/local/domain/7/device/vif/0+\n"
     "/local/domain/7/device/vif/0/backend \"/local/domain/0/backend/vif/7/0\"+\n"},
    {"relative paths of backends",
     "backend/vif = \"\"\n"
     "backend/vif/7 = \"\"\n"
     "backend/vif/7/0 = \"\"\n"
     "backend/vif/7/0/state = \"4\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/state \"4\"+\n"
     "- 1-4 nothing says which domain's directory this is: taken for domain 0's\n"},
    {"relative paths that say nothing",
     "device/vif = \"\"\n",
     "/ (implied)\n"
     "- 1-1 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"something else as a tree",
     "a = \"\"\n"
     " b = \"c\"\n",
     "/ (implied)\n"
     "- 1-2 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"indented as a whole",
     "    local = \"\"\n"
     "     domain = \"\"\n"
     "      7 = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7+\n"},
    {"a part of a tree, as it was indented",
     "   backend = \"\"\n"
     "    vif = \"\"\n"
     "     7 = \"\"\n"
     "      0 = \"\"\n"
     "       frontend = \"/x\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/x\"+\n"
     "- 1-5 nothing says which domain's directory this is: taken for domain 0's\n"},
    {"from the middle of a tree",
     "      state = \"4\"\n"
     "     0 = \"\"\n"
     "      state = \"5\"\n"
     "local = \"\"\n"
     " domain = \"\"\n",
     "/ (implied)\n"
     "/local+\n"
     "/local/domain+\n"
     "! 1-3 which directory it belongs to cannot be told\n"},
    {"unreadable nodes",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  7:\n"
     "\n"
     "  8 = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7 ?\n"
     "/local/domain/8+\n"},
    {"unreadable nodes with permissions",
     "/local = \"\"   (n0)\n"
     "/local/a:\n"
     "  (n7)\n"
     "/local/b = \"c\"   (n0)\n",
     "/+\n"
     "/local+\n"
     "/local/a ?\n"
     "/local/b \"c\"+\n"},
    {"an unreadable node ends it",
     "/local = \"\"\n"
     "/local/a:\n"
     "\n",
     "/ (implied)\n"
     "/local\n"
     "/local/a ?\n"
     "- 2-2 xenstore-ls ends at a directory that it may not read: more may have followed\n"},
    {"a cut value",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  a = \"0123456789012345678901234567890123456789\\...\"\n"
     "  b = \"c\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/a ?+\n"
     "/local/domain/b \"c\"+\n"},
    {"a cut value with permissions",
     "/a = \"0123\\...\"  (n0)\n"
     "/b = \"c\"   (n0)\n",
     "/+\n"
     "/a ?+\n"
     "/b \"c\"+\n"},
    {"a cut name with a value",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  nnnnnnnnnnnnnnnnnnnn = \"\\...\"\n"
     "  a = \"1\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain\n"
     "/local/domain/nnnnnnnnnnnnnnnnnnnn ?+\n"
     "/local/domain/a \"1\"+\n"},
    {"a cut name without one",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn = \"\"\n"
     "  a = \"1\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain\n"
     "/local/domain/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn+\n"
     "/local/domain/a \"1\"+\n"},
    {"a name of the same length at another width",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn = \"\"\n"
     "  a = \"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\\...\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn+\n"
     "/local/domain/a ?+\n"},
    {"quoted",
     "> local = \"\"\n"
     ">  domain = \"\"\n"
     ">   7 = \"x\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7 \"x\"+\n"},
    {"quoted without a blank",
     ">local = \"\"\n"
     "> domain = \"\"\n"
     ">  7 = \"x\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7 \"x\"+\n"},
    {"quoted twice",
     ">> local = \"\"\n"
     ">>  domain = \"\"\n"
     ">\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"},
    {"quoted twice with blanks",
     "> > local = \"\"\n"
     "> >  domain = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"},
    {"quoted, with words around it",
     "On Monday somebody wrote:\n"
     "> local = \"\"\n"
     ">  domain = \"\"\n"
     ">   7 = \"x\"\n"
     "So what is wrong?\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7 \"x\"+\n"
     "- 1-1 not a part of the listing\n"
     "- 5-5 not a part of the listing\n"},
    {"a prompt",
     "root@dom0:~# xenstore-ls\n"
     "local = \"\"\n"
     " domain = \"\"\n"
     "root@dom0:~#\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "- 1-1 not a part of the listing\n"
     "- 4-4 not a part of the listing\n"},
    {"a prompt with a path",
     "# xenstore-ls /local/domain/0/backend/vif/7/0\n"
     "frontend = \"/local/domain/7/device/vif/0\"\n"
     "state = \"4\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend (implied)\n"
     "/local/domain/0/backend/vif (implied)\n"
     "/local/domain/0/backend/vif/7 (implied)\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "/local/domain/0/backend/vif/7/0/state \"4\"+\n"
     "- 1-1 not a part of the listing\n"},
    {"two prompts",
     "$ sudo xenstore-ls -p /local/domain/7/device\n"
     "vif = \"\" . .  (n0)\n"
     " 0 = \"\" . .  (n0)\n"
     "$ sudo xenstore-ls -fp /local/domain/0\n"
     "/local/domain/0/name = \"d\"   (n0)\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0+\n"
     "/local/domain/0/name \"d\"+\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"
     "/local/domain/7/device/vif/0+\n"
     "- 1-1 not a part of the listing\n"
     "- 4-4 not a part of the listing\n"},
    {"a prompt with a relative path",
     "# xenstore-ls backend\n"
     "vif = \"\"\n"
     " 7 = \"\"\n"
     "  0 = \"\"\n"
     "   frontend = \"/local/domain/7/device/vif/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "- 1-1 not a part of the listing\n"
     "- 2-5 nothing says which domain's directory this is: taken for domain 0's\n"},
    {"a prompt with a path that only a shell understands",
     "# xenstore-ls /local/domain/$me/backend\n"
     "vif = \"\"\n"
     " 7 = \"\"\n"
     "  0 = \"\"\n"
     "   frontend = \"/local/domain/7/device/vif/0\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "/local/domain/0/backend/vif/7/0+\n"
     "/local/domain/0/backend/vif/7/0/frontend \"/local/domain/7/device/vif/0\"+\n"
     "- 1-1 not a part of the listing\n"
     "- 2-5 nothing says which domain's directory this is: taken for domain 0's\n"},
    {"a prompt with a filter",
     "# xenstore-ls -f | grep vif\n"
     "/local/domain/0/backend/vif = \"\"\n"
     "/local/domain/0/backend/vif/7 = \"\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend (implied)\n"
     "/local/domain/0/backend/vif+\n"
     "/local/domain/0/backend/vif/7+\n"
     "! 1-1 its output was filtered: what that left out is not known\n"},
    {"a prompt with a pager and a file",
     "# xenstore-ls -f | less\n"
     "/local = \"\"\n"
     "# xenstore-ls -f > x\n"
     "# cat x\n"
     "/vm = \"\"\n",
     "/+\n"
     "/local+\n"
     "/vm+\n"
     "- 1-1 not a part of the listing\n"
     "- 3-4 not a part of the listing\n"},
    {"filtered, without a prompt",
     "/local/domain/0/backend/vif/7/0/state = \"4\"\n"
     "/local/domain/7/device/vif/0/state = \"4\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0 (implied)\n"
     "/local/domain/0/backend (implied)\n"
     "/local/domain/0/backend/vif (implied)\n"
     "/local/domain/0/backend/vif/7 (implied)\n"
     "/local/domain/0/backend/vif/7/0 (implied)\n"
     "/local/domain/0/backend/vif/7/0/state \"4\"+\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device (implied)\n"
     "/local/domain/7/device/vif (implied)\n"
     "/local/domain/7/device/vif/0 (implied)\n"
     "/local/domain/7/device/vif/0/state \"4\"+\n"
     "! 2-2 its directory is not in the listing: lines were left out, and what they said is not known\n"},
    {"xenstore-ls failed",
     "/local = \"\"\n"
     "/local/domain = \"\"\n"
     "xenstore-ls: xs_directory (/local/domain): Permission denied\n",
     "/ (implied)\n"
     "/local\n"
     "/local/domain\n"
     "! 3-3 xenstore-ls failed there\n"},
    {"what was asked for is not there",
     "# xenstore-ls -f /local/domain/7/error\n"
     "xenstore-ls: xs_directory (/local/domain/7/error): No such file or directory\n"
     "# xenstore-ls -f /local/domain/7/device\n"
     "/local/domain/7/device/vif = \"\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vif+\n"
     "- 1-1 not a part of the listing\n"
     "- 2-2 xenstore-ls found nothing there\n"
     "- 3-3 not a part of the listing\n"},
    {"left out, among paths",
     "/local = \"\"\n"
     "/local/a = \"1\"\n"
     "/local/a/b = \"1\"\n"
     "...\n"
     "/local/c = \"2\"\n"
     "/local/c/d = \"\"\n"
     "/vm = \"\"\n",
     "/+\n"
     "/local\n"
     "/local/a \"1\"\n"
     "/local/a/b \"1\"\n"
     "/local/c \"2\"+\n"
     "/local/c/d+\n"
     "/vm+\n"
     "! 4-4 something was left out here\n"},
    {"left out at the end",
     "/local = \"\"\n"
     "/local/a = \"1\"\n"
     "/vm = \"\"\n"
     "[...]\n",
     "/ (implied)\n"
     "/local+\n"
     "/local/a \"1\"+\n"
     "/vm\n"
     "! 4-4 something was left out here\n"},
    {"left out at the beginning",
     "[snip]\n"
     "/local/a = \"1\"\n"
     "/local/a/b = \"2\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/a \"1\"+\n"
     "/local/a/b \"2\"+\n"
     "! 1-1 something was left out here\n"},
    {"left out of a tree, at the left",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  b = \"1\"\n"
     "...\n"
     "  c = \"2\"\n"
     " d = \"3\"\n"
     "vm = \"\"\n",
     "/ (implied)\n"
     "/local\n"
     "/local/domain\n"
     "/local/domain/b \"1\"\n"
     "/vm+\n"
     "! 4-4 something was left out here\n"
     "! 5-6 which directory it belongs to cannot be told\n"},
    {"left out of a tree, indented",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  b = \"1\"\n"
     "  ...\n"
     "  c = \"2\"\n"
     " d = \"3\"\n"
     "vm = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain\n"
     "/local/domain/b \"1\"\n"
     "/local/domain/c \"2\"+\n"
     "/local/d \"3\"+\n"
     "/vm+\n"
     "! 4-4 something was left out here\n"},
    {"left out of a tree, and deeper behind",
     "local = \"\"\n"
     " domain = \"\"\n"
     " [snip]\n"
     "  c = \"2\"\n"
     " d = \"3\"\n",
     "/ (implied)\n"
     "/local\n"
     "/local/domain\n"
     "! 3-3 something was left out here\n"
     "! 4-5 which directory it belongs to cannot be told\n"},
    {"left out by a person in a value",
     "/a = \"...\"\n"
     "/b = \"1\"\n",
     "/+\n"
     "/a ?+\n"
     "/b \"1\"+\n"},
    {"ends in a value",
     "/a = \"1\"\n"
     "/b = \"2\n",
     "/ (implied)\n"
     "/a \"1\"+\n"
     "/b ?\n"
     "! 2-2 the dump ends in the middle of this line\n"},
    {"ends in a name",
     "/a = \"\"\n"
     "/a/b = \"1\"\n"
     "/a/b",
     "/ (implied)\n"
     "/a\n"
     "/a/b \"1\"\n"
     "! 3-3 the dump ends in the middle of this line\n"},
    {"ends before the value",
     "/a = \"\"\n"
     "/a/b = \"1\"\n"
     "/a/b =",
     "/ (implied)\n"
     "/a\n"
     "/a/b ?\n"
     "! 3-3 the dump ends in the middle of this line\n"},
    {"ends before the permissions",
     "/a = \"1\"   (n0)\n"
     "/b = \"2\"   (n0)\n"
     "/b/c = \"3\"",
     "/ (implied)\n"
     "/a \"1\"+\n"
     "/b \"2\"\n"
     "/b/c ?\n"
     "! 3-3 the dump ends in the middle of this line\n"},
    {"wrapped at the equals sign",
     "/a = \"1\"\n"
     "/b =\n"
     "\"2\"\n"
     "/c\n"
     "= \"3\"\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b \"2\"+\n"
     "/c \"3\"+\n"},
    {"wrapped before the permissions",
     "/a = \"1\"   (n0)\n"
     "/b = \"2\"\n"
     "(n0,r7)\n"
     "/c = \"3\"   (n0)\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b \"2\"+\n"
     "/c \"3\"+\n"},
    {"wrapped in a value",
     "/a = \"1\"\n"
     "/b = \"2\n"
     "3 4\n"
     "5\"\n"
     "/c = \"6\"\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b ?+\n"
     "/c \"6\"+\n"
     "! 2-4 its value was cut or wrapped\n"},
    {"wrapped in a value that never ends",
     "/a = \"1\"\n"
     "/b = \"2\n"
     "3\n"
     "/c = \"6\"\n",
     "/ (implied)\n"
     "/a \"1\"+\n"
     "/b ?\n"
     "/c \"6\"+\n"
     "! 2-3 its value was cut or wrapped\n"},
    {"wrapped in a name",
     "/a = \"\"\n"
     "/a/bcd\n"
     "ef = \"2\"\n"
     "/c = \"6\"\n",
     "/ (implied)\n"
     "/a\n"
     "/c \"6\"+\n"
     "! 2-3 not what xenstore-ls prints\n"},
    {"wrapped in a path",
     "/a = \"\"\n"
     "/a/bcd/\n"
     "ef/g = \"2\"\n"
     "/c = \"6\"\n",
     "/ (implied)\n"
     "/a\n"
     "/c \"6\"+\n"
     "! 2-3 not what xenstore-ls prints\n"},
    {"chopped at the right",
     "/a = \"0123456\n"
     "/b = \"1\"\n"
     "/c = \"01\n"
     "/d = \"2\"\n",
     "/+\n"
     "/a ?+\n"
     "/b \"1\"+\n"
     "/c ?+\n"
     "/d \"2\"+\n"
     "! 1-1 its value was cut or wrapped\n"
     "! 3-3 its value was cut or wrapped\n"},
    {"said twice",
     "/a = \"1\"\n"
     "/b = \"2\"\n"
     "/a = \"1\"\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b \"2\"+\n"},
    {"contradiction",
     "/a = \"1\"\n"
     "/b = \"2\"\n"
     "/a = \"3\"\n"
     "/a = \"1\"\n",
     "/+\n"
     "/a ?+\n"
     "/b \"2\"+\n"
     "! 3-3 contradicts an earlier line: is it of another host, or of another moment?\n"},
    {"contradiction between two listings",
     "# xenstore-ls /x\n"
     "a = \"1\"\n"
     "# xenstore-ls /x\n"
     "a = \"2\"\n"
     "b = \"3\"\n",
     "/ (implied)\n"
     "/x+\n"
     "/x/a ?+\n"
     "/x/b \"3\"+\n"
     "- 1-1 not a part of the listing\n"
     "- 3-3 not a part of the listing\n"
     "! 4-4 contradicts an earlier line: is it of another host, or of another moment?\n"},
    {"words between",
     "/a = \"1\"\n"
     "/a/b = \"1\"\n"
     "[  12.3] vif vif-7-0: something\n"
     "/a/c = \"2\"\n"
     "/d = \"\"\n",
     "/+\n"
     "/a \"1\"\n"
     "/a/b \"1\"\n"
     "/a/c \"2\"+\n"
     "/d+\n"
     "! 3-3 not what xenstore-ls prints\n"},
    {"words between, in a tree",
     "local = \"\"\n"
     " domain = \"\"\n"
     "[  12.3] vif vif-7-0: something\n"
     "  c = \"2\"\n"
     " b = \"\"\n"
     "vm = \"\"\n",
     "/ (implied)\n"
     "/local\n"
     "/local/domain\n"
     "/vm+\n"
     "! 3-3 not what xenstore-ls prints\n"
     "! 4-5 which directory it belongs to cannot be told\n"},
    {"mangled here and there",
     "/a0 = \"1\"\n"
     "/a1 = \"1\"\n"
     "/a2 = \"1\"\n"
     "/a3 = \"1\"\n"
     "/a4 = \"1\"\n"
     "/a5 = \"1\"\n"
     "/a6 = \"1\"\n"
     "/a7 = \"1\"\n"
     "/a8 = \"1\"\n"
     "/b = &quot;1&quot;\n"
     "/c = \"2\"\n",
     "/ (implied)\n"
     "/a0 \"1\"+\n"
     "/a1 \"1\"+\n"
     "/a2 \"1\"+\n"
     "/a3 \"1\"+\n"
     "/a4 \"1\"+\n"
     "/a5 \"1\"+\n"
     "/a6 \"1\"+\n"
     "/a7 \"1\"+\n"
     "/a8 \"1\"\n"
     "/c \"2\"+\n"
     "! 10-10 not what xenstore-ls prints\n"},
    {"permissions that are none",
     "/a = \"1\"   (n0)\n"
     "/b = \"2\"   (n)\n"
     "/c = \"3\"   (n0)\n"
     "/d = \"4\"  (n0,)\n"
     "/e = \"5\"   (n0)\n"
     "/f = \"6\"   (x1)\n"
     "/g = \"7\"(n0)\n"
     "/h = \"8\"   (n0)\n"
     "/i = \"9\"   (n0)\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b ?+\n"
     "/c \"3\"+\n"
     "/d ?+\n"
     "/e \"5\"+\n"
     "/f ?+\n"
     "/g ?+\n"
     "/h \"8\"+\n"
     "/i \"9\"+\n"
     "! 2-2 its value was cut or wrapped\n"
     "! 4-4 its value was cut or wrapped\n"
     "! 6-7 its value was cut or wrapped\n"},
    {"permissions where others have none",
     "/a = \"1\"\n"
     "/b = \"2\"   (n0)\n"
     "/c = \"3\"\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b ?+\n"
     "/c \"3\"+\n"
     "! 2-2 its value was cut or wrapped\n"},
    {"wrapped before a slash",
     "/a = \"\"\n"
     "/a/b\n"
     "/c = \"1\"\n"
     "/d = \"2\"\n",
     "/ (implied)\n"
     "/a\n"
     "/c \"1\"+\n"
     "/d \"2\"+\n"
     "! 2-2 not what xenstore-ls prints\n"},
    {"a value that looks whole before it was wrapped",
     "/a = \"1\"\n"
     "/b = \"x \"y\"\n"
     "z\"\n"
     "/c = \"2\"\n",
     "/ (implied)\n"
     "/a \"1\"+\n"
     "/b ?\n"
     "/c \"2\"+\n"
     "! 3-3 not what xenstore-ls prints\n"},
    {"the same with permissions",
     "/a = \"1\"   (n0)\n"
     "/b = \"x   (n0)\n"
     "\"   (n0)\n"
     "/c = \"2\"   (n0)\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b ?+\n"
     "/c \"2\"+\n"
     "! 2-3 its value was cut or wrapped\n"},
    {"the same with permissions that are not its own",
     "/a = \"1\"   (n0)\n"
     "/b = \"x\"   (n0)\n"
     "\"   (n0)\n"
     "/c = \"2\"   (n0)\n",
     "/ (implied)\n"
     "/a \"1\"+\n"
     "/b ?\n"
     "/c \"2\"+\n"
     "! 3-3 not what xenstore-ls prints\n"},
    {"ends in the indentation",
     "local = \"\"\n"
     " domain = \"\"\n"
     " ",
     "/ (implied)\n"
     "/local\n"
     "/local/domain\n"
     "! 3-3 the dump ends in the middle of this line\n"},
    {"a word before it",
     "Output\n"
     "\n"
     "local = \"\"\n"
     " domain = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "- 1-1 not a part of the listing\n"},
    {"two trees, one within the other",
     "# xenstore-ls /local\n"
     "domain = \"\"\n"
     " 7 = \"\"\n"
     "# xenstore-ls\n"
     "local = \"\"\n"
     " domain = \"\"\n"
     "  7 = \"\"\n"
     "   x = \"1\"\n"
     "vm = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/7+\n"
     "/local/domain/7/x \"1\"+\n"
     "/vm+\n"
     "- 1-1 not a part of the listing\n"
     "- 4-4 not a part of the listing\n"},
    {"a mark of quoting where others have none",
     "/a = \"1\"\n"
     "> /b = \"2\"\n"
     "/c = \"3\"\n",
     "/ (implied)\n"
     "/a ?\n"
     "/c \"3\"+\n"
     "! 2-2 not what xenstore-ls prints\n"},
    {"nearly all permissions wrapped",
     "/a = \"1\"\n"
     "  (n0)\n"
     "/b = \"2\"\n"
     "  (n0)\n"
     "/c = \"3\"   (n0)\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b \"2\"+\n"
     "/c \"3\"+\n"},
    {"blank lines",
     "\n"
     "/a = \"1\"\n"
     "\n"
     "\n"
     "/b = \"2\"\n"
     "\n",
     "/+\n"
     "/a \"1\"+\n"
     "/b \"2\"+\n"},
    {"odd names",
     "/@odd:name_1 = \"ok\"\n"
     "/- = \"\"\n"
     "/a-b_c@d:e = \"\"\n",
     "/+\n"
     "/@odd:name_1 \"ok\"+\n"
     "/-+\n"
     "/a-b_c@d:e+\n"},
    {"words that are nothing left out",
     "/a = \"\"\n"
     "snip\n"
     "/b = \"\"\n",
     "/ (implied)\n"
     "/a\n"
     "/b+\n"
     "! 2-2 not what xenstore-ls prints\n"},
    {"one bracket",
     "/a = \"\"\n"
     "[snip\n"
     "/b = \"\"\n",
     "/ (implied)\n"
     "/a\n"
     "/b+\n"
     "! 2-2 something was left out here\n"},
    {"the other bracket",
     "/a = \"\"\n"
     "snip]\n"
     "/b = \"\"\n",
     "/ (implied)\n"
     "/a\n"
     "/b+\n"
     "! 2-2 something was left out here\n"},
    {"an escape that is none",
     "/a = \"\\xg0\"\n"
     "/b = \"\\x0g\"\n",
     "/+\n"
     "/a ?+\n"
     "/b ?+\n"},
    {"a name behind dots",
     "/a = \"\"\n"
     "..x\n"
     "/..b = \"\"\n",
     "/+\n"
     "/a+\n"
     "- 2-3 not a part of the listing\n"},
    {"a tree in which local is not what it is",
     "local = \"\"\n"
     " x = \"\"\n"
     "y = \"\"\n",
     "/ (implied)\n"
     "- 1-3 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"a domid without a name",
     "domid = \"7\"\n"
     "x = \"\"\n",
     "/ (implied)\n"
     "- 1-2 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"errors elsewhere",
     "$ xenstore-ls 2>/dev/null\n"
     "a = \"\"\n",
     "/+\n"
     "/a+\n"
     "- 1-1 not a part of the listing\n"},
    {"a frontend's backends say the same",
     "vbd = \"\"\n"
     " 1 = \"\"\n"
     "  backend = \"/local/domain/0/backend/vbd/7/1\"\n"
     "  state = \"1\"\n"
     " 2 = \"\"\n"
     "  backend = \"/local/domain/0/backend/vbd/7/2\"\n"
     "  state = \"1\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/7 (implied)\n"
     "/local/domain/7/device+\n"
     "/local/domain/7/device/vbd+\n"
     "/local/domain/7/device/vbd/1+\n"
     "/local/domain/7/device/vbd/1/backend \"/local/domain/0/backend/vbd/7/1\"+\n"
     "/local/domain/7/device/vbd/1/state \"1\"+\n"
     "/local/domain/7/device/vbd/2+\n"
     "/local/domain/7/device/vbd/2/backend \"/local/domain/0/backend/vbd/7/2\"+\n"
     "/local/domain/7/device/vbd/2/state \"1\"+\n"},
    {"a frontend whose backend is a directory",
     "vbd = \"\"\n"
     " 1 = \"\"\n"
     "  backend = \"/x\"\n"
     "   y = \"\"\n"
     "  state = \"1\"\n",
     "/ (implied)\n"
     "- 1-5 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"a value that begins with dots",
     "/a = \"..x\"\n"
     "/b = \"...\"\n",
     "/+\n"
     "/a \"..x\"+\n"
     "/b ?+\n"},
    {"two names, flat",
     "tool = \"\"\n"
     "local = \"\"\n",
     "/+\n"
     "/tool+\n"
     "/local+\n"},
    {"cut in a name that is none of its paths",
     "/a = \"\"\n"
     "b",
     "/+\n"
     "/a+\n"
     "- 2-2 not a part of the listing\n"},
    {"repeated, and deep",
     "local = \"\"\n"
     " domain = \"\"\n"
     "  0 = \"\"\n"
     "   a = \"\"\n"
     "   a = \"\"\n",
     "/+\n"
     "/local+\n"
     "/local/domain+\n"
     "/local/domain/0+\n"
     "/local/domain/0/a+\n"},
    {"an orphaned value",
     "x\n"
     "y\"\n"
     "/a = \"\"\n"
     "\"\n",
     "/+\n"
     "/a+\n"
     "- 1-2 not a part of the listing\n"
     "- 4-4 not a part of the listing\n"},
    {"a frontend whose backend is no path",
     "vbd = \"\"\n"
     " 1 = \"\"\n"
     "  backend = \"x\"\n"
     "  state = \"1\"\n",
     "/ (implied)\n"
     "- 1-4 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"a backend that nobody can read",
     "vbd = \"\"\n"
     " 1 = \"\"\n"
     "  backend:\n"
     "  state = \"1\"\n",
     "/ (implied)\n"
     "! 3-3 not what xenstore-ls prints\n"
     "! 4-4 which directory it belongs to cannot be told\n"
     "- 1-4 nothing says which directory this is a listing of: list from further up, best everything\n"},
    {"a domain with both",
     "backend = \"\"\n"
     " vbd = \"\"\n"
     "  7 = \"\"\n"
     "   1 = \"\"\n"
     "    frontend = \"/local/domain/7/device/vbd/1\"\n"
     "    state = \"4\"\n"
     "device = \"\"\n"
     " vbd = \"\"\n"
     "  7 = \"\"\n"
     "   1 = \"\"\n"
     "    frontend = \"/x\"\n"
     "    backend = \"/y\"\n"
     "    state = \"4\"\n",
     "/ (implied)\n"
     "/local (implied)\n"
     "/local/domain (implied)\n"
     "/local/domain/0+\n"
     "/local/domain/0/backend+\n"
     "/local/domain/0/backend/vbd+\n"
     "/local/domain/0/backend/vbd/7+\n"
     "/local/domain/0/backend/vbd/7/1+\n"
     "/local/domain/0/backend/vbd/7/1/frontend \"/local/domain/7/device/vbd/1\"+\n"
     "/local/domain/0/backend/vbd/7/1/state \"4\"+\n"
     "/local/domain/0/device+\n"
     "/local/domain/0/device/vbd+\n"
     "/local/domain/0/device/vbd/7+\n"
     "/local/domain/0/device/vbd/7/1+\n"
     "/local/domain/0/device/vbd/7/1/frontend \"/x\"+\n"
     "/local/domain/0/device/vbd/7/1/backend \"/y\"+\n"
     "/local/domain/0/device/vbd/7/1/state \"4\"+\n"
     "- 1-13 nothing says which domain's directory this is: taken for domain 0's\n"},
