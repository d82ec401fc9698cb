# SPDX-License-Identifier: GPL-2.0
"""Load in a guest that is verified all the while: shell functions, a file for the guest.

It goes on while the guest's shell does something else, or the guest is somewhere else.
"""

LOAD = r"""
cd /tmp

# load NAME COMMAND...: run a command that ends by SIGINT, in the background.
load()
{
    name=$1
    shift
    ("$@" >$name.log 2>&1; echo $? >$name.status) &
    echo $name >>loads
}

# load_disks NAME...: writes and reads of all sizes, through the page cache of the host and past it.
load_disks()
{
    for disk; do
        load $disk fio --name=$disk --filename=/dev/$disk --direct=1 --ioengine=libaio \
            --iodepth=32 --rw=randrw --bsrange=4k-256k --size=32m --norandommap=0 --time_based \
            --runtime=100000 --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
            --group_reporting
    done
}

# load_net NAME ADDRESS PORT: one connection, data both ways.
load_net()
{
    load $1 netprobe stream $2 $3
}

# Requests of a disk, or packets, that were completed.
done_by()
{
    awk '{ print $1 + $5 }' /sys/block/$1/stat 2>/dev/null ||
        cat /sys/class/net/$1/statistics/rx_packets
}

# All of them have done something since this was called.
loads_move()
{
    for name in $(cat loads); do
        before=$(done_by $name)
        for try in $(seq 300); do
            [ $(done_by $name) -gt $((before + 20)) ] && continue 2
            sleep 0.2
        done
        echo "$name stands still"; head -n 20 $name.log; dmesg | tail -n 5
        return 1
    done
}

# End them: none has found anything wrong, nor has the guest's kernel.
end_loads()
{
    killall -INT fio netprobe 2>/dev/null
    for name in $(cat loads); do
        while [ ! -e $name.status ]; do sleep 0.1; done
        grep -qE 'err= 0|"wrong_received": 0' $name.log && ! grep -qi 'verify: bad' $name.log && continue
        echo "$name: status $(cat $name.status)"; cat $name.log
        return 1
    done
    ! dmesg | grep -iE 'I/O error|not a head'
}
"""
