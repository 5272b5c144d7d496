#!/usr/bin/env python3
"""A slow line between two network namespaces: a TUN device in each, and this program in between,
which holds every packet until it would have arrived.

It is for check-shaping.sh on kernels without sch_netem: the parties' TCP is the kernel's own, with
its slow start, acknowledgements and buffers, and nothing is shared with Tacita's own shaping.

A packet takes its Ethernet bytes on the line at the given rate, one after the other, and half a
round trip after that. Packets may be larger than Ethernet's (fewer of them, so that this program
keeps up with a gigabit): they are then charged as the full frames that they stand for. Says
"ready" on stdout, and how it went when it is terminated.
"""

import argparse
import collections
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# Bytes of IPv4 and TCP headers with timestamps; payload of a full frame; bytes around an IP packet.
HEADERS, PAYLOAD, ETHERNET = 52, 1448, 38
# Bytes that wait for the line at most, as the queue of a router: more are dropped.
QUEUE = 16 << 20


def tun(name, namespace, address, mtu):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    ip = lambda *words: subprocess.run(["ip", *words], check=True)
    ip("link", "set", name, "netns", namespace)
    ip("-n", namespace, "addr", "add", address, "dev", name)
    ip("-n", namespace, "link", "set", name, "mtu", str(mtu), "txqueuelen", "10000", "up")
    return fd


class Way:
    """One direction."""

    def __init__(self, source, target, delay, rate):
        self.source, self.target, self.delay, self.byte = source, target, delay, 8 / rate
        self.queue, self.waiting, self.free = collections.deque(), 0, 0.0
        self.packets = self.dropped = 0

    def take(self):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            self.packets += 1
            if self.waiting > QUEUE:
                self.dropped += 1
                continue
            frames = max(1, -(-(len(packet) - HEADERS) // PAYLOAD))
            line = len(packet) + (frames - 1) * HEADERS + frames * ETHERNET
            self.free = max(self.free, time.monotonic()) + line * self.byte
            self.queue.append((self.free + self.delay, packet))
            self.waiting += len(packet)

    def deliver(self):
        """Hands over what is due; when the next packet is."""
        while self.queue:
            arrival, packet = self.queue[0]
            if arrival > time.monotonic():
                return arrival
            self.queue.popleft()
            self.waiting -= len(packet)
            try:
                os.write(self.target, packet)
            except OSError:
                self.dropped += 1
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", required=True, help="the client's namespace")
    parser.add_argument("--server", required=True, help="the server's namespace")
    parser.add_argument("--rtt", type=float, required=True, help="round trip, in seconds")
    parser.add_argument("--up", type=float, required=True, help="bits a second, client to server")
    parser.add_argument("--down", type=float, required=True, help="bits a second, server to client")
    parser.add_argument("--frames", type=int, default=1, help="Ethernet frames that a packet stands for")
    args = parser.parse_args()
    mtu = HEADERS + args.frames * PAYLOAD
    client = tun("tun-client", args.client, "10.77.1.1/24", mtu)
    server = tun("tun-server", args.server, "10.77.1.2/24", mtu)
    up = Way(client, server, args.rtt / 2, args.up)
    down = Way(server, client, args.rtt / 2, args.down)
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    print("ready", flush=True)
    while not over:
        due = [at for at in (up.deliver(), down.deliver()) if at is not None]
        wait = max(0.0, min(due) - time.monotonic()) if due else 1.0
        ready, _, _ = select.select([client, server], [], [], wait)
        for way in (up, down):
            if way.source in ready:
                way.take()
    json.dump({"packets": up.packets + down.packets, "dropped": up.dropped + down.dropped,
               "cpu_seconds": round(time.process_time(), 2)}, sys.stdout)
    print(flush=True)


main()
