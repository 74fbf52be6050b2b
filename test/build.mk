# SPDX-License-Identifier: MIT
# Programs for tests, fuzzing and benchmarks; included by the Makefile.

# xenrecon-blk has pure files, too
blk_pure  := $(patsubst %,$B/reconcilers/block/%.o,blkif flushes journal network request space unflushed)
# … and one that wants libuv, but nothing of Xen's
blk_loop  := $(patsubst %,$B/reconcilers/block/%.o,descriptor vhost vhost_user)
# unit/test_*.c link only the pure layers, unit/ctl_*.c the controller and the device model too
pure_test := $(patsubst %.c,$B/%,$(wildcard test/unit/test_*.c))
ctl_test  := $(patsubst %.c,$B/%,$(wildcard test/unit/ctl_*.c))
test_obj  := $(patsubst %.c,$B/%.o,$(wildcard test/unit/*.c test/lib/*.c))
# the stand-ins for hypercalls, and the rig's programs, of which some need them
hypercall := $(addprefix test/rig/,hypercall.c domains.c grants.c evtchn.c)
rig_tool  := $(patsubst %.c,$B/%,$(filter-out $(hypercall) test/rig/intruder.c test/rig/slowdisk.c test/rig/blkfront%,$(wildcard test/rig/*.c)))
rig_part  := $(patsubst %.c,$B/%.o,$(wildcard test/rig/blkfront*.c))
rig_xen   := $(addprefix $B/test/rig/,ring rigctl selftest blkfront)
preloaded := $B/test/fault/shim.so $B/test/rig/intruder.so
# where there is FUSE
slowdisk  := $(if $(wildcard /usr/include/fuse3/fuse.h),$B/test/rig/slowdisk)
rig       := $B/test/rig/hypercall.so $(rig_tool) $B/test/rig/blkfront $B/test/chaos/worker $(preloaded) $(slowdisk)
# libFuzzer's programs take what they need from an archive of everything that has no main()
fuzz_prog := $(patsubst %.c,$B/%,$(wildcard test/fuzz/fuzz_*.c))
fuzz_again := $(patsubst test/fuzz/fuzz_%.c,$B/test/fuzz/replay_%,$(wildcard test/fuzz/fuzz_*.c))
fuzz_from := $(ctl_obj) $(dm_obj) $(pure_obj) $(blk_pure)
fuzz_make := B=build-fuzz CC=clang CFLAGS='-O1 -g' SANITIZE=fuzzer-no-link,address,undefined
# programs of the benchmarks: decide.c is of the pure layers, the others are clients of the store
# the simulation takes from an archive what the engine is made of: no libuv, no Xen library; its heap and policies
# are its own
sim_wrap  := malloc calloc realloc free strdup strndup policy_free policy_set_clear
sim_heap  := $(patsubst %,-Wl$(comma)--wrap=%,$(sim_wrap))
sim_obj   := $(patsubst %.c,$B/%.o,$(wildcard test/sim/*.c))
bench     := $(patsubst %.c,$B/%,$(wildcard test/bench/*.c))

$(pure_test): $B/%: $B/%.o $(pure_obj) $(blk_pure)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PURE_LIBS) -lcheck -lsubunit -lm -lrt -pthread

# its guest and its engine are the test's
$B/test/unit/test_block_work: $B/reconcilers/block/work.o

$(ctl_test): $B/%: $B/%.o $(ctl_obj) $(dm_obj) $(pure_obj) $(blk_loop)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lxenstore -lcheck -lsubunit -lm -lrt -pthread

# Again with what an older libc lacks (compat.h)
old_libc  := $(patsubst %,$B/old-libc/%,ctl_workers ctl_hotplug_scripts)
$B/old-libc/compat.o: controller/base/compat.c Makefile | $(able)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -DXENRECON_OLD_LIBC -c -o $@ $<
$(old_libc): $B/old-libc/%: $B/test/unit/%.o $B/old-libc/compat.o $(filter-out %/base/compat.o,$(ctl_obj)) $(dm_obj) $(pure_obj)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lxenstore -lcheck -lsubunit -lm -lrt -pthread

# The rig plays other programs: never built with sanitizers
rig_cflags = $(filter-out -fsanitize%,$(STD)) $(WARN) -O2 -g -MMD -MP
$(hypercall:%.c=$B/%.o): $B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -fPIC -c -o $@ $<
$B/test/rig/hypercall.so: $(hypercall:%.c=$B/%.o)
	$(say) LINK $@
	$(Q)$(CC) -shared -Wl,-soname,hypercall.so -o $@ $^
$(rig_xen): $B/test/rig/hypercall.so
$(rig_xen): rig_libs := $B/test/rig/hypercall.so -Wl,-rpath,'$$ORIGIN'
$(rig_tool): $B/test/rig/%: test/rig/%.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -o $@ $< $(rig_libs) -lxenstore
$(rig_part): $B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -c -o $@ $<
$B/test/rig/blkfront: $(rig_part)
	$(say) LINK $@
	$(Q)$(CC) -o $@ $(rig_part) $(rig_libs) -lxenstore

$B/test/rig/slowdisk: test/rig/slowdisk.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -D_FILE_OFFSET_BITS=64 -isystem /usr/include/fuse3 -o $@ $< -lfuse3 -pthread

$(preloaded): $B/%.so: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -fPIC -shared -o $@ $<

$B/test/chaos/worker: %: %.o $(patsubst %,$B/schemas/%.o,message mem)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$B/test/fuzz/all.a: $(fuzz_from)
	@mkdir -p $(@D)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(fuzz_prog): $B/%: $B/%.o $B/test/fuzz/all.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ -Wl,--as-needed $(LIBS) -lxenstore
$(fuzz_again): $B/test/fuzz/replay_%: $B/test/fuzz/fuzz_%.o $B/test/fuzz/replay.o $B/test/fuzz/all.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LIBS) -lxenstore

$B/test/sim/engine.a: $(filter-out %/log.o,$(ctl_obj)) $(pure_obj)
	@mkdir -p $(@D)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$B/test/sim/sim: $(sim_obj) $B/test/sim/engine.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) $(sim_heap) -o $@ $^ $(PURE_LIBS)

$(filter-out %/decide,$(bench)): $B/%: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(rig_cflags) -o $@ $< -lxenstore
$B/test/bench/decide: %: %.o $(pure_obj)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PURE_LIBS)

tests: $(pure_test) $(ctl_test)
rig: $(rig)
sim-program: $B/test/sim/sim
benches: $(bench)
fuzz-linked: $(fuzz_prog)
fuzz-replays: $(fuzz_again)
fuzz-programs:
	@$(MAKE) --no-print-directory $(fuzz_make) fuzz-linked

.PHONY: tests rig sim-program benches fuzz-linked fuzz-replays fuzz-programs
