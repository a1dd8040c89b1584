#!/bin/busybox sh
# First process of the guest. Its root becomes the host's, read-only under a layer in memory, so that the
# host's Python, ffmpeg and browser run here as they are; /results is the one folder that outlives it.
set -u
box=/bin/busybox

give_up() {
    echo "guest: $1"
    $box poweroff -f
}

for kind in proc sysfs devtmpfs; do
    case $kind in sysfs) at=/sys ;; devtmpfs) at=/dev ;; *) at=/proc ;; esac
    $box mount -t $kind none $at || give_up "no $at"
done
for module in /modules/*; do
    $box insmod "$module" || give_up "$module does not load"
done

share="trans=virtio,version=9p2000.L,msize=512000"
# What the host changes meanwhile is of no interest here, so everything may be cached.
$box mount -t 9p -o "ro,$share,cache=loose" root /host || give_up "no root from the host"
$box mount -t tmpfs -o size=60% none /memory && $box mkdir /memory/upper /memory/work
$box mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work none /union ||
    give_up "no layer over the root"
for at in proc sys dev; do
    $box mount --move /$at /union/$at
done
cd /union || give_up "no root"
$box mkdir -p dev/pts dev/shm results lib/modules
$box mount -t devpts none dev/pts
$box mount -t tmpfs none dev/shm
$box mount -t 9p -o "rw,$share,cache=none" results results || give_up "no folder for results"
. results/guest.env
$box mount --bind "/host$MODULES" lib/modules
$box ip link set lo up

$box chroot . /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/sh -c 'cd "$1" && exec /bin/sh /results/command.sh' sh "$REPOSITORY" <dev/null >dev/ttyS1 2>&1
echo $? >results/exit-code
$box sync
$box poweroff -f
