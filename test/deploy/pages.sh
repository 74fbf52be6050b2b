#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual: man shows each page without a warning, it has every command, option and field, and its examples run.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"
cd "$repo"

for page in deploy/man/*.scd; do
    name=$(basename -s .scd "$page")
    deploy/man/page.sh <"$page" >"$dir/$name"
    check "$name: man has nothing to complain of" \
        "$(LC_ALL=C.UTF-8 MANWIDTH=100 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$dir/$name" 2>&1 >/dev/null)" ""
done
plain() {
    LC_ALL=C.UTF-8 MANWIDTH=120 man --no-justification -l "$dir/$1" | col -b
}

# ---- xenrecon(8): every command, every option, and no others

plain xenrecon.8 >"$dir/page"
mapfile -t commands < <("${xenrecon[@]}" --help | sed -nE 's/^  ([a-z]+( (check|show|new|schema))?) .*/\1/p')
check "the commands are found" "$([ ${#commands[@]} -ge 9 ] && echo yes)" yes
for command in "${commands[@]}"; do
    check "xenrecon.8 has the command $command" "$(grep -cE "^       xenrecon $command\b" "$dir/page")" 1
    check "xenrecon.8 describes $command" "$(grep -cE "^       $command$" "$dir/page")" 1
done
for command in $(printf '%s\n' "${commands[@]%% *}" | sort -u); do
    "${xenrecon[@]}" "$command" --help
done | grep -oE -- '(^|[ [])--[a-z-]+' | tr -d ' [' | sort -u >"$dir/options"
echo --version >>"$dir/options"
check "xenrecon.8 describes each option, and no others" \
    "$(sed -n '/^OPTIONS/,/^EXIT/s/^       \(--[a-z-]*\).*/\1/p' "$dir/page" | sort -u)" "$(sort -u "$dir/options")"
from_page xenrecon.8 '# systemctl edit xenrecon' | tail -n +2 >"$dir/edit.conf"
mkdir "$dir/xenrecon.service.d"
sed 's|/usr/sbin/xenrecon|/bin/true|' deploy/systemd/xenrecon.service >"$dir/xenrecon.service"
cp "$dir/edit.conf" "$dir/xenrecon.service.d/"
check "xenrecon.8: its drop-in is one" "$(systemd-analyze verify --man=no "$dir/xenrecon.service" 2>&1)" ""
toolstack attach vkbd 7 0
check "xenrecon.8: a dump by pipe" \
    "$(xenstore-ls -fp | "${xenrecon[@]}" plan --policies deploy/policies --dump - | grep -cE '^[a-z]+ +vkbd/7/0 ')" 1

# ---- xenrecon-decisions(7)

"${xenrecon[@]}" explain --table >"$dir/table"
check "xenrecon-decisions.7 has every row, as it is" "$(test/lib/table_page.py "$dir/table" deploy/man/xenrecon-decisions.7.scd)" ""

# ---- xenrecon-policy(5)

"${xenrecon[@]}" policy schema >"$dir/schema"
check "xenrecon-policy.5 has every field, as it is" "$(test/lib/policy_page.py "$dir/schema" deploy/man/xenrecon-policy.5.scd)" ""
i=0
for first in 'version: 1' 'type: vkbd' 'owner: kernel'; do
    i=$((i + 1))
    from_page xenrecon-policy.5 "$first" >"$dir/example.yaml"
    check "xenrecon-policy.5: example $i is a policy" \
        "$([ -s "$dir/example.yaml" ] && "${xenrecon[@]}" policy check --quiet "$dir/example.yaml" 2>&1 || echo no)" ""
done
check "xenrecon-policy.5: that is all of them" "$(grep -c '^```$' deploy/man/xenrecon-policy.5.scd)" $((2 * i))

# ---- xenrecon-blk(8)

check "xenrecon-blk.8 describes each option, and no others" \
    "$(plain xenrecon-blk.8 | sed -n '/^OPTIONS/,/^WHAT/s/^       \(--[a-z-]*\).*/\1/p' | sort -u)" \
    "$("$(dirname "${xenrecon[-1]}")/xenrecon-blk" --help | grep -oE -- '^  --[a-z-]+' | tr -d ' ' | sort -u)"
mapfile -t pages < <(find deploy/man -name '*.scd' ! -name '*guarantees*') # that one names tests
check "the other pages name nothing of the sources" "$(grep -lE 'deploy/|schemas/|in the sources' "${pages[@]}" || true)" ""

# ---- xenrecon-findings(7)

sed -nE '/^#define FINDINGS/,/^$/s/.*X\([A-Z_]+, "([a-z-]+)".*/\1/p' schemas/finding.h | sort >"$dir/codes"
check "xenrecon-findings.7 has every code, and no others" \
    "$(sed -nE 's/^\*([a-z-]+)\* \((error|warning|info).*/\1/p' deploy/man/xenrecon-findings.7.scd | sort | diff - "$dir/codes" && wc -l <"$dir/codes")" \
    "$(grep -c . "$dir/codes")"

# ---- xenrecon-guarantees(7): each promise has a limit or none, and tests, which are there

promises=$(grep -cE '^\*[^*]+\*$' deploy/man/xenrecon-guarantees.7.scd)
check "xenrecon-guarantees.7: each promise is shown by something" \
    "$((promises > 15)) $(grep -c '^	Shown by \*' deploy/man/xenrecon-guarantees.7.scd)" "1 $promises"
mapfile -t shown < <(sed 's/\\_/_/g' deploy/man/xenrecon-guarantees.7.scd |
    grep -oE '\*(unit|integration|golden|sim|fuzz|xen|bench|check|deploy|coverage|mutate|fault|chaos)(/[^*]+)?\*' | tr -d '*' | sort -u)
for name in "${shown[@]}"; do
    found=
    for file in "test/$name" "test/$name".{sh,c,py} "test/xen/scenarios/${name#xen/}.sh"; do
        [ ! -e "$file" ] || found=yes
    done
    check "xenrecon-guarantees.7: there is $name" "$found" yes
done
check "xenrecon-guarantees.7: the names are found" "$((${#shown[@]} > 50))" 1

# ---- policy new

"${xenrecon[@]}" policy new my-disk >"$dir/new.yaml"
check "policy new: a policy" "$("${xenrecon[@]}" policy check "$dir/new.yaml")" "$dir/new.yaml: ok (type my-disk, owner external)"
check "policy new: nothing but defaults" "$("${xenrecon[@]}" policy show --policies "$dir" my-disk 2>&1 | grep -v '^#')" \
    "$(printf 'version: 1\ntype: my-disk\nowner: external\n' >"$dir/least" &&
        mkdir "$dir/least.d" && cp "$dir/least" "$dir/least.d/my-disk.yaml" &&
        "${xenrecon[@]}" policy show --policies "$dir/least.d" my-disk | grep -v '^#')"
# all that is commented out, turned on
sed -E 's/^#([^ ]|  )/\1/; s/^owner: .*/owner: xenrecon/; /^hotplug:/,$d' "$dir/new.yaml" >"$dir/all.yaml"
check "policy new: what can be turned on" "$("${xenrecon[@]}" policy check --quiet "$dir/all.yaml" 2>&1)" ""
sed -E 's/^#([^ ]|  )/\1/; s/^owner: .*/owner: kernel/; s/my-disk$/vif/; /^publish/d; /^worker:/,/^$/d' "$dir/new.yaml" >"$dir/all.yaml"
check "policy new: what can be turned on for the kernel" "$("${xenrecon[@]}" policy check --quiet "$dir/all.yaml" 2>&1)" ""
check "policy new: every field is there" "$(grep -cE '^(  )?[a-z0-9-]+:' "$dir/all.yaml")" \
    "$(sed -nE 's/^\*([^*]*)\*: .*/\1/p' deploy/man/xenrecon-policy.5.scd | grep -vcE ': KEY:|^(publish|worker)')"
check "policy new: no type" "$("${xenrecon[@]}" policy new ../x 2>&1 | head -n 1)" \
    'xenrecon: "../x" can be no type: up to 31 letters, digits, - and _'
