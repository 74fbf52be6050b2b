#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install` installs is complete and works:   install.sh FOLDER   (a new one, for all that this writes)
set -eux
cd "$(dirname "$0")/.."
root=$1
mkdir -p "$root"
root=$(cd "$root" && pwd)

make -s -j"$(nproc)" all
mkdir "$root/build"
cp -a build/{controller,reconcilers,schemas} "$root/build" # only what knows the paths is built again
install_with() {
    make -s -j"$(nproc)" B="$root/build" sysconfdir="$root/etc" "$@" install
}

install_with prefix="$root/usr"
install_with prefix="$root/usr" DESTDIR="$root/staged"
diff -r "$root/usr" "$root/staged$root/usr"
diff -r deploy/policies "$root/usr/share/xenrecon/policies"
# What programs and alerts are written with
diff <(cd schemas && sha256sum ./*.schema.json) <(cd "$root/usr/share/xenrecon/schemas" && sha256sum ./*)
diff deploy/prometheus/xenrecon.rules.yaml "$root/usr/share/xenrecon/examples/xenrecon.rules.yaml"
diff deploy/prometheus/dashboard.json "$root/usr/share/xenrecon/examples/dashboard.json"
[ "$(cd "$root/usr" && find . -type f -perm /111 | sort)" = "./libexec/xenrecon/xenrecon-blk
./libexec/xenrecon/xenrecon-dm
./sbin/xenrecon" ]

xenrecon=$root/usr/sbin/xenrecon
[ "$("$xenrecon" --version)" = "$("$root/build/xenrecon" --version)" ]
# It finds its policies, and takes the administrator's first
"$xenrecon" policy check
echo "nonsense: 1" >"$root/etc/xenrecon/policies.d/vkbd.yaml"
! "$xenrecon" policy check 2>"$root/said" || exit 1
grep -F "$root/etc/xenrecon/policies.d/vkbd.yaml:1:1" "$root/said"

# What was compiled for one prefix is not installed for another
install_with prefix=/usr DESTDIR="$root/staged"
grep -F /usr/share/xenrecon "$root/staged/usr/sbin/xenrecon"
! grep -F "$root/usr" "$root/staged/usr/sbin/xenrecon" || exit 1

# What it tells people names what was installed
for command in plan status history; do
    file=$("$xenrecon" $command --help | grep -oE '/[^ ]*\.schema\.json')
    [ -s "$file" ]
done
grep -F "ExecStart=$xenrecon run" "$root/usr/lib/systemd/system/xenrecon.service"
grep -F "$root/usr/libexec/xenrecon/xenrecon-blk" "$root/usr/share/xenrecon/examples/qdisk.yaml"
! grep -rE '/usr/(s?bin|libexec|share)/xenrecon' "$root/usr/share/xenrecon" "$root/usr/lib" | grep -vF "$root" || exit 1
if command -v scdoc; then
    # without what roff is told about dots and hyphens
    gzip -dc "$root/usr/share/man/man8/xenrecon.8.gz" | sed 's/\\&//g; s/\\-/-/g' | grep -F "$root/etc/xenrecon/policies"
    [ "$(find "$root/usr/share/man" -name '*.gz' | wc -l)" = "$(find deploy/man -name '*.scd' | wc -l)" ]
fi
