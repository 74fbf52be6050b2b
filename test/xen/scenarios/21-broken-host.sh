#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# What goes wrong in dom0: no back driver, a hotplug script that fails, nodes that stay behind.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

guest web
domid=$(domid web)
disk=vbd/$domid/51712
modprobe -r xen-blkback 2>/dev/null || true

fails "xl block-attach without blkback" xl block-attach web "$(kernel_disk block)"
finds "plan says that nobody took it" unclaimed-backend
fails "xl block-detach without blkback" xl block-detach web xvda
check "xl has given up" "$(states "$disk") $(xenstore-read "$(b_of "$disk")/online")" "5/6 0"
finds "plan says that it is stuck" stuck-detach
xl block-detach --force web xvda >/dev/null 2>&1 || true # it complains, and does it
gone "by force nothing is left" "$(b_of "$disk")" "$(f_of "$disk")"
fails "xl block-attach without blkback, again" xl block-attach web "$(kernel_disk block)"
modprobe xen-blkback
reach "blkback comes late: the guest is ready" "$disk" 2/3
finds "plan says that the script is missing" hotplug-incomplete
works "xl block-detach" xl block-detach web xvda
gone "nothing is left" "$(b_of "$disk")" "$(f_of "$disk")"

cat >/etc/xen/scripts/block-broken <<'END'
#!/bin/bash
. /etc/xen/scripts/block-common.sh
[ "$command" = remove ] || fatal "no such volume"
END
chmod 755 /etc/xen/scripts/block-broken
fails "xl block-attach with a script that fails" xl block-attach web "$(kernel_disk block-broken)"
finds "plan quotes the script" hotplug-failed
check_match "with its words" "$(cat "$here/plan")" "no such volume"
works "xl block-detach of it" xl block-detach web xvda
gone "nothing is left of it" "$(b_of "$disk")" "$(f_of "$disk")"

# libxl removes what it made itself; of a device that another program made it knows nothing
silent "plan is silent before"
toolstack attach vkbd "$domid" 0
works "xl destroy of a guest with a device that libxl does not know" destroy web
gone "the guest's end is gone" "/local/domain/$domid"
check "the other one stays" "$(state_of "$(b_of "vkbd/$domid/0")")" 1
finds "plan calls it an orphan" orphan
xenstore-rm "/local/domain/0/backend/vkbd/$domid/0"
finds "removed but for its parents: a leak" leak
xenstore-rm /local/domain/0/backend/vkbd
silent "cleaned up: plan is silent"
