#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# short: xenstored
# A network that the kernel's netback serves, on a bridge of Xen's own hotplug script.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

modprobe xen-netback
modprobe bridge
brctl addbr xenbr0
ip addr add 10.7.0.1/24 dev xenbr0
ip link set xenbr0 up
create web "vif = ['script=vif-bridge,bridge=xenbr0,mac=00:16:3e:00:00:01']"
net=vif/$(domid web)/0
has web eth0
in_guest web 'ip addr add 10.7.0.2/24 dev eth0 && ip link set eth0 up'
reach "with a network from the start: Connected" "$net" 4/4
silent "healthy: plan is silent"
becomes "data flows" 0 ping_status web 10.7.0.1
in_guest web 'echo vif-0 >/sys/bus/xen/drivers/vif/unbind && rmmod xen-netfront'
reach "the front driver is unloaded: Closed" "$net" 6/6
finds "plan says so" closed-online
in_guest web 'modprobe xen-netfront'
has web eth0
in_guest web 'ip addr add 10.7.0.2/24 dev eth0 && ip link set eth0 up'
reach "loaded again: Connected" "$net" 4/4
silent "loaded again: plan is silent"
becomes "loaded again: data flows" 0 ping_status web 10.7.0.1

works "xl network-detach" xl network-detach web 0
gone "nothing is left" "$(b_of "$net")" "$(f_of "$net")"
silent "detached: plan is silent"
works "xl network-attach" xl network-attach web script=vif-bridge bridge=xenbr0 mac=00:16:3e:00:00:01
reach "attached, with the driver there: Connected" "$net" 4/4
xl pause web
toolstack detach vif "$(domid web)" 0 # what libxl writes, without its ten seconds
reach "detached while the guest is paused: netback waits" "$net" 5/4
finds "plan says so" stuck-detach
works "xl network-detach takes it by force after ten seconds" xl network-detach web 0
xl unpause web
gone "nothing is left then" "$(b_of "$net")" "$(f_of "$net")"

fails "xl network-attach to a bridge that is not there" xl network-attach web script=vif-bridge bridge=nowhere mac=00:16:3e:00:00:01
check_match "plan quotes the script" "$(xenrecon plan)" "hotplug-failed: .*nowhere"
xl network-detach web 0 >/dev/null 2>&1 || true
destroy web
ip link set xenbr0 down
brctl delbr xenbr0
silent "destroyed: plan is silent"
