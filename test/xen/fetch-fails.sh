#!/bin/bash
# SPDX-License-Identifier: MIT
# fetch.sh with each of its steps failing, from a small mirror made here by the real apt and dpkg-deb: it says so, leaves
# nothing half-made and what was there before, and does it all the next time.
set -eEu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'echo "FAIL ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
failures=0
tree=$dir/cache/xen-vm-trixie
export XENRECON_CACHE=$dir/cache
mirror=$dir/mirror

# check NAME GOT WANT
check() {
    if [ "$2" = "$3" ]; then
        echo "PASS $1"
    else
        echo "FAIL $1: got '$2', want '$3'"
        failures=$((failures + 1))
    fi
}

# ---- the mirror

# package NAME VERSION: of what is in $dir/package
package() {
    mkdir -p "$dir/package/DEBIAN"
    printf '%s\n' "Package: $1" "Version: $2" "Architecture: amd64" "Maintainer: nobody" "Description: none" >"$dir/package/DEBIAN/control"
    dpkg-deb -b -Znone "$dir/package" "$mirror/$1_$2_amd64.deb" >/dev/null
    rm -r "$dir/package"
}

# kernel FORMAT: a bzImage that is packed so
kernel() {
    mkdir -p "$dir/package/boot" "$dir/package/lib/modules/1.0"
    python3 - "$1" >"$dir/package/boot/vmlinuz-1.0" <<'END'
import gzip
import lzma
import struct
import subprocess
import sys

elf = bytearray(4096)
elf[:5] = b'\x7fELF\x02'
struct.pack_into('<Q', elf, 32, 64)        # one program header, behind this one
struct.pack_into('<HH', elf, 54, 56, 1)
struct.pack_into('<IIQ', elf, 64, 1, 0, 0)  # PT_LOAD, all of it
struct.pack_into('<Q', elf, 64 + 32, len(elf))
packed = {
    'zstd': lambda data: subprocess.run(['zstd', '-c'], input=data, stdout=subprocess.PIPE, check=True).stdout,
    'xz': lzma.compress,
    'gzip': gzip.compress,
}[sys.argv[1]](bytes(elf))
packed += struct.pack('<I', len(elf))
image = bytearray(1024)
image[0x1f1] = 1
image[0x202:0x206] = b'HdrS'
struct.pack_into('<II', image, 0x248, 0, len(packed))
sys.stdout.buffer.write(image + packed)
END
    package linux-image-amd64 "$version"
}

# publish VERSION FORMAT: all that fetch.sh asks for. The busybox has a depmod, which is all that is wanted of it here.
# shellcheck disable=SC2016  # for another shell
publish() {
    local name deb
    version=$1
    rm -rf "$mirror"
    mkdir -p "$mirror/dists/trixie/main/binary-amd64"
    for name in $(sed -n '/^packages=(/,/)$/{s/packages=(//;s/)$//;p}' "$here/fetch.sh" | tr '\n' ' '); do
        mkdir -p "$dir/package/usr/bin"
        case $name in
        linux-image-amd64)
            kernel "$2"
            continue
            ;;
        xen-system-amd64) mkdir "$dir/package/boot" && echo "Xen $version" | gzip >"$dir/package/boot/xen-4.gz" ;;
        busybox-static)
            printf '%s\n' '#!/bin/sh' 'exec depmod "$3/lib/modules/$4/modules.dep"' >"$dir/package/usr/bin/busybox"
            chmod 755 "$dir/package/usr/bin/busybox"
            ;;
        esac
        package "$name" "$version"
    done
    for deb in "$mirror"/*.deb; do
        dpkg-deb -f "$deb"
        echo "Filename: ${deb##*/}"
        echo "Size: $(stat -c %s "$deb")"
        echo "SHA256: $(sha256sum <"$deb" | cut -d ' ' -f 1)"
        echo
    done >"$mirror/dists/trixie/main/binary-amd64/Packages"
    (
        cd "$mirror/dists/trixie"
        printf '%s\n' "Origin: Debian" "Suite: trixie"
        echo "Date: $(date -Ru)"
        echo "SHA256:"
        sha256sum main/binary-amd64/Packages | sed "s|  | $(stat -c %s main/binary-amd64/Packages) |;s|^| |"
    ) >Release.new
    mv Release.new "$mirror/dists/trixie/Release"
}

# ---- fetching from it, with a tool that fails

mkdir -p "$dir"/{bin,real,system/lists/partial}
export CALLS=$dir/calls FAILS='' PATH=$dir/bin:$dir/real:$PATH
# shellcheck disable=SC2016
printf '%s\n' '#!/bin/sh' 'echo kernel/x.ko: >"$1"' >"$dir/real/depmod"
for tool in apt-get dpkg-deb tar zcat python3 zstd depmod mv; do
    real=$(command -v "$tool")
    cat >"$dir/bin/$tool" <<END
#!/bin/sh
# FAILS names a tool and which of its calls fails
echo $tool >>"\$CALLS"
[ "\$FAILS" != "$tool \$(grep -cx $tool "\$CALLS")" ] || exit 7
exec $real "\$@"
END
done
chmod 755 "$dir"/{bin,real}/*
echo "deb copy:$mirror trixie main" >"$dir/sources.list"
export APT_CONFIG=$dir/apt.conf
cat >"$APT_CONFIG" <<END
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$dir/system";
Dir::Cache "$dir/system";
Acquire::AllowInsecureRepositories "true";
APT::Get::AllowUnauthenticated "true";
END

# fetch [TOOL NUMBER]: its status
fetch() {
    : >"$CALLS"
    FAILS="$*" "$here/fetch.sh" trixie >"$dir/said" 2>&1 && echo 0 || echo $?
}

# What there is: "2: apt-trixie ...", the number from Xen, then all that is in the cache
there() {
    local xen=none
    [ ! -e "$tree/stamp" ] || xen=$(sed 's/Xen //' "$tree/boot/xen")
    echo "$xen: $(cd "$dir/cache" && rm -f lock && printf '%s ' *)"
}
nothing="none: apt-trixie "
has() {
    echo "$1: apt-trixie xen-vm-trixie "
}

# each_fails WHAT WANT: with every call of every tool failing in turn, there still is what is wanted
each_fails() {
    local tool calls number status
    for tool in apt-get dpkg-deb tar zcat python3 zstd depmod mv; do
        calls=$(grep -cx "$tool" "$dir/calls.all")
        for number in $(seq 1 "$calls"); do
            [[ $tool != @(dpkg-deb|tar) || $number = @(1|$calls) ]] || continue # all packages are unpacked alike
            status=$(fetch "$tool" "$number")
            if [ "$tool $number" = "apt-get 2" ] && [ "$2" != "$nothing" ]; then
                check "$1, no lists to be had: it keeps what is there, and says so" \
                    "$status $(grep -c keeping "$dir/said") $(there)" "0 1 $2"
                continue
            fi
            [ "$tool" != mv ] || set -- "$1" "$nothing" # all but this one leave what was there
            check "$1, call $number of $tool fails" "$((status != 0)) $(there)" "1 $2"
        done
    done
}

publish 1 zstd
check "apt has no lists: it gets some of its own" "$(fetch) $(there)$(find "$dir/system/lists" -name '*Packages*')" "0 $(has 1)"
rm -r "$dir/cache"
apt-get -qq update 2>/dev/null
check "it fetches" "$(fetch) $(there)" "0 $(has 1)"
check "the kernel, packed by zstd, is unpacked" "$(head -c 4 "$tree/boot/vmlinux" | tail -c 3) $(cat "$tree/boot/release")" "ELF 1.0"
check "what is called /lib is in /usr" "$(cat "$tree/root/usr/lib/modules/1.0/modules.dep")" kernel/x.ko:
cp "$CALLS" "$dir/calls.all"
check "the tools are called" "$(sort -u "$CALLS" | wc -l)" 8
check "once more: there is nothing to do" "$(fetch) $(there)$(sed '/not signed/d' "$dir/said")" "0 $(has 1)"
rm -r "$dir/cache"
each_fails "the first time" "$nothing"
check "and then it fetches" "$(fetch) $(there)" "0 $(has 1)"

publish 2 zstd
each_fails "a new version" "$(has 1)"
check "and then it fetches the new one" "$(fetch) $(there)" "0 $(has 2)"
publish 3 xz
check "a kernel that is packed by xz is unpacked, too" "$(fetch) $(there)$(head -c 4 "$tree/boot/vmlinux" | tail -c 3)" "0 $(has 3)ELF"
publish 4 gzip
check "one that is packed otherwise is refused" "$(fetch) $(there)" "1 $(has 3)"
[ $failures = 0 ] || tail "$dir/said"
[ $failures = 0 ]
