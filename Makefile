# SPDX-License-Identifier: MIT
#
#   make            build/xenrecon, build/xenrecon-blk, build/xenrecon-dm
#   make cli        build/cli/xenrecon: what reports, without the daemon, for old systems
#   make demo       the main job, on a private store            (installs what is missing, when it may)
#   make check      every test
#   make check-quick  what takes two minutes of CPU of it, with the build, and no root
#   make sim        the engine in simulated worlds: every schedule of small ones, SIM_RANDOM (60000) long ones
#   make fuzz       every test/fuzz/fuzz_*.c, for FUZZ_SECONDS each (10)
#   make chaos      players by the dozen on a real store, while all is killed: CHAOS_SECONDS (120)
#   make faults     each call that fails, one after the other      (make soak: SOAK_MINUTES (30), and nothing may grow)
#   make coverage   which lines and branches of schemas/ and reconcilers/ the tests run
#   make mutate     whether they notice when what decides is wrong: half an hour, and it goes on where it was
#   make bench      how fast it is, next to what it could be, in tables and plots
#   make check-xen  with the real Xen, in an emulated machine: XEN=--short, XEN='--suite trixie'
#   make lint       clang-format, clang-tidy, cppcheck, gcc -fanalyzer, shellcheck
#   make install    DESTDIR and prefix as usual; init=openrc for OpenRC, init= for none; install-cli: what `make cli` builds
#   make deb rpm    packages, in build/package
#
#   DEVELOPER=1                     warnings are errors
#   SANITIZE=address,undefined      builds with these, into a build folder of its own; or with thread, CC=clang
#   CC=clang                        likewise

VERSION := 0.1.0

prefix     ?= /usr/local
sbindir    ?= $(prefix)/sbin
datadir    ?= $(prefix)/share
sysconfdir ?= /etc
libexecdir ?= $(prefix)/libexec
mandir     ?= $(datadir)/man
unitdir    ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
init       ?= systemd

comma := ,
B := build$(if $(filter-out cc gcc,$(CC)),-$(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

CFLAGS   ?= -O2 -g
STD      := -std=gnu11 -I. -D_GNU_SOURCE -DXENRECON_VERSION='"$(VERSION)"' -DXENRECON_DATADIR='"$(datadir)/xenrecon"' \
            -DXENRECON_SYSCONFDIR='"$(sysconfdir)/xenrecon"'
WARN     := -Wall -Wextra -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wwrite-strings -Wvla -Wshadow -Wformat=2 -Wundef -Wconversion -Wcast-qual -Wswitch-enum
ifdef DEVELOPER
WARN     += -Werror
endif
ifdef SANITIZE
STD      += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS  += -fsanitize=$(SANITIZE)
endif
ALL_CFLAGS = $(STD) $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP

PURE_LIBS := -lyaml -ljansson
LIBS      := $(PURE_LIBS) -luv
LIBS_BLK  := -ljansson -luv -luring -pthread -lxenevtchn -lxengnttab -lseccomp

# xenrecon-blk needs but a few of the other folders' files
blk_src   := $(wildcard reconcilers/block/*.c) $(addprefix schemas/,mem.c message.c value.c)
blk_obj   := $(blk_src:%.c=$B/%.o)

pure_src  := $(wildcard schemas/*.c schemas/*/*.c reconcilers/*.c)
ctl_src   := $(filter-out controller/dm/% %/main.c %/cmd_run_none.c,$(wildcard controller/*/*.c))
dm_src    := $(filter-out controller/dm/main.c,$(wildcard controller/dm/*.c))
# Whatever runs only in the daemon, and thus all that wants libuv, or a newer libc or kernel
daemon_src := $(wildcard controller/daemon/*.c controller/processes/*.c) $(patsubst %,controller/%.c,cli/cmd_run \
              base/compat base/patience base/read_pacing base/run_dir store/usec_timer store/xs_client)
cli_src   := $(addprefix controller/cli/,main.c cmd_run_none.c) $(filter-out $(daemon_src),$(ctl_src)) $(pure_src)
pure_obj  := $(pure_src:%.c=$B/%.o)
ctl_obj   := $(ctl_src:%.c=$B/%.o)
dm_obj    := $(dm_src:%.c=$B/%.o)
cli_obj   := $(cli_src:%.c=$B/%.o)
c_files   := $(foreach folder,schemas reconcilers controller test,$(wildcard $(folder)/*.[ch] $(folder)/*/*.[ch]))

# make V=1 shows the commands
ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-5s %s\n'
endif

all: $B/able-64 $B/xenrecon $B/xenrecon-blk $B/xenrecon-dm

$B/xenrecon: $B/controller/cli/main.o $(ctl_obj) $(pure_obj)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

cli: $B/cli/xenrecon
$B/cli/xenrecon: $(cli_obj)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PURE_LIBS) -pthread

# There is one of it for each guest: no more in it than it needs
$B/xenrecon-dm: $B/controller/dm/main.o $(dm_obj) $(patsubst %,$B/schemas/%.o,arena mem printable value)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -ljansson -luv -lxenstore

$B/xenrecon-blk: $(blk_obj)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_BLK)

# Before anything is compiled: what is missing, in a sentence of ours instead of many of the compiler's
headers := yaml.h jansson.h xenstore.h $(if $(filter cli,$(MAKECMDGOALS)),,uv.h xenevtchn.h xengnttab.h seccomp.h liburing.h)
able    := $B/able-$(words $(headers))
advice   = On Debian: apt-get install --no-install-recommends $(shell test/deps.sh --list build 2>/dev/null)
$(able):
	@mkdir -p $(@D)
	@command -v $(firstword $(CC)) >/dev/null || { echo "There is no C compiler, $(CC). $(advice)" >&2; exit 1; }
	@lacking=$$(for h in stdio.h $(headers); do echo "#include <$$h>" | $(CC) $(CPPFLAGS) $(CFLAGS) -E - >/dev/null 2>&1 || echo "$$h"; done); \
	[ -z "$$lacking" ] || { echo "There is no" $$lacking". $(advice)" >&2; exit 1; }
	@touch $@

# 32-bit systems have system calls that xenrecon-blk does not know
$B/reconcilers/block/calls.o: | $B/able-64
$B/able-64: $(able)
	@echo __LP64__ | $(CC) $(CPPFLAGS) $(CFLAGS) -E -P - | grep -qx 1 || \
	{ echo "xenrecon is for 64-bit systems. What reports, without the daemon, is built for others, too: make cli" >&2; exit 1; }
	@touch $@

$B/%.o: %.c Makefile | $(able)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# What is compiled in: another prefix builds again what knows it
$(addprefix $B/controller/,base/policy_dirs.o $(patsubst %,cli/%.o,cmd_history cmd_plan cmd_status policy_template)): $B/paths
$B/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(datadir) $(sysconfdir)' | cmp -s - $@ || echo '$(datadir) $(sysconfdir)' >$@

include test/build.mk

demo:
	@test/deps.sh store
	@$(MAKE) --no-print-directory -j"$$(nproc)" all rig >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; rm -f build.log
	@test/demo.sh

check:
	@test/check.sh

check-quick:
	@test/check.sh quick

FUZZ_SECONDS ?= 10
fuzz:
	@test/deps.sh fuzz
	@test/fuzz/run.sh --seconds $(FUZZ_SECONDS)

SIM_RANDOM ?= 60000
sim:
	@test/deps.sh sim
	@$(MAKE) --no-print-directory -s sim-program
	@SIM_RANDOM=$(SIM_RANDOM) SIM=$B/test/sim/sim test/sim/run.sh --long

CHAOS_SECONDS ?= 120
SOAK_MINUTES  ?= 30
chaos soak faults:
	@test/deps.sh integration
	@$(MAKE) --no-print-directory -s all rig $@-run
# with programs that have sanitizers, if so asked for
with = $(if $(SANITIZE),test/sanitized.sh $B)
chaos-run:
	@$(with) test/chaos/run.sh $(CHAOS_SECONDS)
soak-run:
	@TRACE=off $(with) test/chaos/run.sh $$(($(SOAK_MINUTES) * 60)) --soak
faults-run:
	@$(with) test/fault/run.sh

coverage:
	@test/deps.sh test coverage
	@test/coverage.sh

mutate:
	@test/deps.sh integration unit
	@test/mutate/run.py

bench:
	@test/deps.sh valgrind bench
	@$(MAKE) --no-print-directory -s all rig benches
	@test/bench/run.sh $(BENCH)

check-xen:
	@test/xen/run.sh $(XEN)

lint:
	@test/deps.sh lint
	@test/lint.sh

deps:
	@test/deps.sh

# What the compiler is told, for tools that read the code as it does
flags:
	@: $(info $(STD) $(WARN))

# Files that name installed ones do so as if prefix were /usr
places = -e 's|/usr/sbin/|$(sbindir)/|g' -e 's|/usr/libexec/xenrecon/|$(libexecdir)/xenrecon/|g' \
         -e 's|/usr/share/xenrecon/|$(datadir)/xenrecon/|g' -e 's|/etc/xenrecon/|$(sysconfdir)/xenrecon/|g'
install_as = sed $(places) $1 | install -D -m 644 /dev/stdin $(DESTDIR)$2
# $1 is xenrecon.8
install_page = sed $(places) deploy/man/$1.scd | deploy/man/page.sh | gzip -9n | \
               install -D -m 644 /dev/stdin $(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $1))/$1.gz
pages      := $(if $(shell command -v scdoc),$(basename $(notdir $(wildcard deploy/man/*.scd))))

install: all install-common $(addprefix install-,$(init))
	install -D -m 755 $B/xenrecon $(DESTDIR)$(sbindir)/xenrecon
	install -D -m 755 $B/xenrecon-dm $(DESTDIR)$(libexecdir)/xenrecon/xenrecon-dm
	install -D -m 755 $B/xenrecon-blk $(DESTDIR)$(libexecdir)/xenrecon/xenrecon-blk
	install -d $(DESTDIR)$(datadir)/xenrecon/examples
	$(call install_as,deploy/examples/qdisk.yaml,$(datadir)/xenrecon/examples/qdisk.yaml)
	$(call install_as,deploy/prometheus/xenrecon.rules.yaml,$(datadir)/xenrecon/examples/xenrecon.rules.yaml)
	$(call install_as,deploy/prometheus/dashboard.json,$(datadir)/xenrecon/examples/dashboard.json)

install-systemd:
	$(call install_as,deploy/systemd/xenrecon.service,$(unitdir)/xenrecon.service)
	$(call install_as,deploy/systemd/hotplug.conf,$(datadir)/xenrecon/examples/hotplug.conf)
	$(call install_as,deploy/systemd/xenrecon-network.socket,$(datadir)/xenrecon/examples/xenrecon-network.socket)
	$(call install_as,deploy/systemd/xenrecon-network@.service,$(datadir)/xenrecon/examples/xenrecon-network@.service)
	$(call install_as,deploy/systemd/sysusers.conf,$(sysusersdir)/xenrecon.conf)

install-openrc:
	$(call install_as,deploy/openrc/xenrecon,$(sysconfdir)/init.d/xenrecon)
	chmod 755 $(DESTDIR)$(sysconfdir)/init.d/xenrecon
	$(call install_as,deploy/openrc/xenrecon.confd,$(sysconfdir)/conf.d/xenrecon)

install-cli: cli install-common
	install -D -m 755 $B/cli/xenrecon $(DESTDIR)$(sbindir)/xenrecon

install-common:
	install -d $(DESTDIR)$(datadir)/xenrecon/policies $(DESTDIR)$(sysconfdir)/xenrecon/policies.d
	install -d $(DESTDIR)$(datadir)/xenrecon/schemas
	install -m 644 $(wildcard deploy/policies/*.yaml) $(DESTDIR)$(datadir)/xenrecon/policies/
	install -m 644 $(wildcard schemas/*.schema.json) $(DESTDIR)$(datadir)/xenrecon/schemas/
	install -D -m 644 deploy/completions/xenrecon.bash $(DESTDIR)$(datadir)/bash-completion/completions/xenrecon
	install -D -m 644 deploy/completions/_xenrecon $(DESTDIR)$(datadir)/zsh/site-functions/_xenrecon
	set -e; $(foreach page,$(pages),$(call install_page,$(page));)

deb rpm:
	@! command -v dpkg-query apt-get >/dev/null || test/deps.sh package
	@deploy/package.sh $@ build/package

format:
	clang-format -i $(c_files)

clean:
	rm -rf build build-*

-include $(shell find $B -name '*.d' -type f 2>/dev/null)

.SECONDARY:
.PHONY: FORCE all cli demo check check-quick check-xen lint deps deb rpm format clean flags
.PHONY: install install-common install-systemd install-openrc install-cli
.PHONY: sim fuzz chaos soak faults chaos-run soak-run faults-run coverage mutate bench
