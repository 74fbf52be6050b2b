#!/bin/bash
# SPDX-License-Identifier: MIT
# On arm64, by way of emulation:   arm64.sh [PART]...
#
#   build    cross-built by clang, with warnings as errors, against Debian 13's libraries for arm64
#   unit     unit tests, by qemu-user, where those that try every combination take minutes; those named below cannot run
#            there, and are run by `kernel`
#   kernel   the integration tests of disks and of the worker's jail, and those unit tests, on Debian 13's own arm64 kernel,
#            in a machine that QEMU emulates. Xen is played as in every integration test, so that none is needed: what is real
#            is the filter of system calls, the pages, and the order of memory.
#
# All of them by default. Needs apt, and no root. The libraries, the kernel and what runs in the machine are unpacked into the
# cache (lib/cache.sh), 400 MB; nothing in there is ever run on this machine but by QEMU. Logs are in build/platforms/arm64,
# what came of each part is in build/platforms/arm64.tsv.
# shellcheck enable=check-set-e-suppressed
# shellcheck disable=SC2317 # functions are called by their names
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/../lib/fetch.sh"
# shellcheck source=test/lib/jobs.sh
. "$repo/test/lib/jobs.sh"
root=$cache/roots/arm64
results=$repo/build/platforms
work=$repo/build/arm64
built=build-arm64-cc
every=(build unit kernel)
# qemu-user has no pidfds to other processes, no seccomp filters and no time limits on calls of its own
not_by_user=(ctl_workers ctl_workers_found ctl_worker_peers)
on_kernel=(63-block 64-block-kill 67-jail)
packages=(libc6-dev libgcc-14-dev libuv1-dev libyaml-dev libjansson-dev libxen-dev libseccomp-dev liburing-dev check libsubunit-dev
    bash dash coreutils diffutils procps grep sed gawk findutils util-linux xenstore-utils xen-utils-4.20 busybox-static
    linux-image-arm64)

usage() {
    sed -n '3,16s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# result PART ok|failed WORDS
result() {
    printf '%s\t%s\t%s\n' "$@" >>"$results/arm64.tsv"
}

# make_root FOLDER: unpacked, and no script of a package run
make_root() {
    quietly mmdebstrap --variant=extract --mode="$([ "$(id -u)" = 0 ] && echo root || echo unshare)" --architectures=arm64 \
        --include="$(IFS=, && echo "${packages[*]}")" --dpkgopt='path-exclude=/usr/share/*' trixie "$1" "$(mirror)"
}

# A compiler for arm64 by one word, as the Makefile wants it, which is also the name of the build's folder.
make_compiler() {
    mkdir -p "$work/bin"
    printf '#!/bin/sh\nexec clang --target=aarch64-linux-gnu --sysroot=%q "$@"\n' "$root" >"$work/bin/arm64-cc"
    chmod +x "$work/bin/arm64-cc"
    PATH=$work/bin:$PATH
}

# ---- what runs in the machine

# The first process: runs what is in /tests, and says what came of each.
make_init() {
    cat >"$1" <<'END'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 XENRECON_CACHE=/cache AWAIT_MS=120000 CK_TIMEOUT_MULTIPLIER=20
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /tmp
ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
cd /xenrecon
uname -srm
while read -r name command; do
    echo "@begin $name"
    $command </dev/null 2>&1
    echo "@end $name $?"
done </tests
echo @through
sync
busybox poweroff -f
END
    chmod +x "$1"
}

make_image() {
    local tree=$work/tree name
    rm -rf "$tree"
    mkdir -p "$tree"/{cache,proc,sys,dev,root,xenrecon/build}
    (cd "$root" && tar -c --exclude='./boot' --exclude='./usr/lib/modules' --exclude='./usr/include' --exclude='*.a' \
        --exclude='./usr/lib/gcc' --exclude='./usr/lib/python3*' --exclude='./usr/lib/debug' --exclude='./usr/share' \
        --exclude='./var' --exclude='./stamp' --exclude='./dev' ./*) | tar -x -C "$tree"
    ln -sfn gawk "$tree/usr/bin/awk" # what the package's script would do
    ln -s / "$tree/cache/xen"
    git ls-files -z test deploy | tar -c --null -T - | tar -x -C "$tree/xenrecon"
    (cd "$built" && tar -c --exclude='*.o' --exclude='*.d' .) | tar -x -C "$tree/xenrecon/build"
    make_init "$tree/init"
    for name in "${not_by_user[@]}"; do
        echo "unit/$name build/test/unit/$name"
    done >"$work/tests"
    for name in "${on_kernel[@]}"; do
        echo "integration/$name bash test/integration/$name.sh"
    done >>"$work/tests"
    cp "$work/tests" "$tree/tests"
    (cd "$tree" && find . | cpio --quiet -o -H newc) | gzip -1 >"$work/image"
    rm -rf "$tree"
}

# The whole machine is one job; each of its tests is counted as one.
emulate() {
    qemu-system-aarch64 -machine virt -cpu max,pauth-impdef=on -accel tcg,thread=multi -smp 2 -m 3G -nodefaults -display none \
        -monitor none -no-reboot -serial stdio -kernel "$(echo "$root"/boot/vmlinuz-*)" -initrd "$work/image" \
        -append "console=ttyAMA0 panic=-1 quiet loglevel=3" </dev/null
}

# came_of NAME: the job that shows what the machine said of one test
came_of() {
    tr -d '\r' <"$logs/arm64/machine.log" | awk -v name="$1" '
        $1 == "@begin" { inside = $2 == name }
        inside
        $1 == "@end" && $2 == name { status = $3; ended = 1 }
        END { exit !ended || status != 0 }'
}

# ---- what is asked for

build() {
    job arm64/build make -s -j"$(nproc)" CC=arm64-cc DEVELOPER=1 all cli rig tests
    barrier
}

# by_user NAME: a unit test, with a process of its own for each case as everywhere
by_user() {
    CK_TIMEOUT_MULTIPLIER=20 qemu-aarch64-static -L "$root" "$built/test/unit/$1"
}

unit() {
    local name
    for name in test/unit/{test,ctl}_*.c; do
        name=$(basename -s .c "$name")
        [[ " ${not_by_user[*]} " = *" $name "* ]] || job "arm64/unit/$name" by_user "$name"
    done
    barrier
}

kernel() {
    local name before=${#failed[@]}
    job arm64/image make_image
    barrier
    [ ${#failed[@]} = "$before" ] || return 0
    job arm64/machine emulate
    barrier
    while read -r name _; do
        job "arm64/$name" came_of "$name"
    done <"$work/tests"
    barrier
}

# run PART: and what came of it
run() {
    local before=$passed wrong=${#failed[@]}
    "$1"
    if [ ${#failed[@]} = "$wrong" ]; then
        result "$1" ok "$((passed - before)) passed"
    else
        result "$1" failed "$((passed - before)) passed, $((${#failed[@]} - wrong)) failed"
    fi
}

[ $# -gt 0 ] || set -- "${every[@]}"
for part; do
    [[ " ${every[*]} " = *" $part "* ]] || usage
done
"$repo/test/deps.sh" arm64
cached roots/arm64 "${packages[*]}" "arm64.sh: unpacking Debian 13 for arm64 into $root" make_root
begin build/platforms/arm64
logs=$results # where each job has its platform's name before its own
commit=$(git rev-parse HEAD)
if ! grep -qsxF "commit"$'\t'"$commit"$'\t' "$results/arm64.tsv"; then
    rm -f "$results/arm64.tsv"
    result commit "$commit" ""
fi
make_compiler
[[ " $* " = *" build "* ]] || build
for part; do
    run "$part"
done
result platform "Debian 13, arm64: clang, emulated" ""
closing
