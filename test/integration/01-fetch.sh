#!/bin/bash
# SPDX-License-Identifier: MIT
# Scripts that fetch: whichever program fails under them, once or from then on, they either have made the whole or say that they
# failed and leave nothing. The programs are the real ones, but for apt, in whose place are packages made of what is cached.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
"$repo/test/rig/qemu.sh" get
"$repo/test/rig/promtool.sh" get
# Packages of a few files, and small: they are unpacked a hundred times
fetched=$dir/fetched
mkdir "$fetched"
cp -a "$cache"/{xen,prometheus,qemu} "$fetched"
find "$fetched"/qemu "$fetched"/*/usr/share "$fetched"/xen/usr/lib/xen-*/boot -type f -size +8k -delete
cp /bin/true "$fetched/qemu/usr/libexec/xen-qemu-system-i386"
printf '#!/bin/sh\necho one that has a version\n' >"$fetched/prometheus/usr/bin/promtool"
export XENRECON_CACHE=$dir/cache

# ---- programs that count how often they are called, and fail at the time

mkdir "$dir/programs"
cat >"$dir/programs/any" <<'END'
#!/bin/bash
# The number of the call, $FAIL_AT and $FAIL_ON (once, or ever after)
name=${0##*/}
echo "$name $*" >>"$CALLS"
mapfile -t calls <"$CALLS"
n=${#calls[@]}
if [ "$n" = "$FAIL_AT" ] || { [ "$n" -gt "$FAIL_AT" ] && [ "$FAIL_ON" = ever ]; }; then
    echo "$name: cannot do it" >&2
    [ "$name" != dpkg ] || mkdir -p "$3/usr/half" # as one does that finds the disk full
    [ "$name" != dpkg-query ] || exit 2
    exit 100
fi
case $name in
apt-get)
    case " $* " in
    *" --print-uris "* | *" update "*) ;;
    *" download "*) cp "$PACKAGES"/*.deb . ;;
    *" --download-only "*)
        for word; do
            [[ $word != Dir::Cache::archives=* ]] || cp "$PACKAGES"/*.deb "${word#*=}"
        done
        ;;
    *" install "*) touch "$INSTALLED" ;;
    *) exit 1 ;;
    esac
    ;;
apt-cache) [ "$2" != promtool ] ;;
dpkg-query)
    case " $* " in
    *Depends*) echo "libxenmisc$XEN (= 1)" ;;
    *) [ ! -e "$INSTALLED" ] || printf 'installed %s\n' "${@:4}" ;;
    esac
    ;;
sudo) exec "${@:2}" ;;
*) PATH=${PATH#*:} exec "$name" "$@" ;;
esac
END
chmod +x "$dir/programs/any"
for program in apt-get apt-cache dpkg-query dpkg ldd mv mktemp sudo; do
    ln -s any "$dir/programs/$program"
done

# packages NAME: each of usr/bin, usr/lib and so on, so that one may be unpacked when the next one fails
packages() {
    local folder n=0
    while read -r folder; do
        n=$((n + 1))
        mkdir -p "$dir/packages/$1" "$dir/tree/DEBIAN" "$dir/tree/$(dirname "$folder")"
        cp -a "$fetched/$1/$folder" "$dir/tree/$folder"
        printf 'Package: part%d\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: none\n' $n >"$dir/tree/DEBIAN/control"
        dpkg-deb -Znone --root-owner-group --build "$dir/tree" "$dir/packages/$1/part$n.deb" >/dev/null
        rm -r "$dir/tree"
    done < <(cd "$fetched/$1" && find . -mindepth 2 -maxdepth 2)
}

# attempt NAME COMMAND...: sets status, and done_calls, how many calls there were
attempt() {
    local name=$1
    shift
    : >"$dir/calls"
    rm -f "$dir/installed"
    status=0
    PATH=$dir/programs:$PATH CALLS=$dir/calls INSTALLED=$dir/installed PACKAGES=$dir/packages/$name XEN=$xen \
        "$@" >"$dir/said" 2>&1 || status=$?
    done_calls=$(wc -l <"$dir/calls")
}

same_as_fetched() {
    diff -r --no-dereference --exclude=stamp "$fetched/$1" "$XENRECON_CACHE/$1" >"$dir/differs" 2>&1
}

# fails_well NAME COMMAND...: with each call failing
fails_well() {
    local name=$1 n on wrong=() failed=0 missed=0
    shift
    for on in once ever; do
        for ((n = 1; n < 200; n++)); do
            rm -rf "$XENRECON_CACHE"
            FAIL_AT=$n FAIL_ON=$on attempt "$name" "$@"
            [ "$done_calls" -ge $n ] || break
            if [ $status = 0 ]; then
                same_as_fetched "$name" || wrong+=("$on at $n ($(sed -n "${n}p" "$dir/calls")): says that all is well")
                missed=$((missed + 1))
            else
                failed=$((failed + 1))
                [ -z "$(find "$XENRECON_CACHE" -mindepth 1 -maxdepth 1 ! -name lock 2>/dev/null)" ] ||
                    wrong+=("$on at $n ($(sed -n "${n}p" "$dir/calls")): leaves $(ls "$XENRECON_CACHE")")
                [ -s "$dir/said" ] || wrong+=("$on at $n ($(sed -n "${n}p" "$dir/calls")): is silent")
            fi
        done
        check "$name, $on: done when nothing fails" "$status $(same_as_fetched "$name" && echo same)" "0 same"
    done
    check "$name: none of $failed failures leaves anything, all of $missed others are made up for" \
        "$([ ${#wrong[@]} = 0 ] || printf '%s\n' "${wrong[@]}")" ""
    check "$name: calls failed" "$((failed > 4))" 1
}

xen=$(echo "$fetched"/xen/usr/lib/xen-*)
xen=${xen##*-}
packages xen
fails_well xen "$repo/test/deps.sh" store
packages prometheus
fails_well prometheus "$repo/test/rig/promtool.sh" get
packages qemu
fails_well qemu "$repo/test/rig/qemu.sh" get
