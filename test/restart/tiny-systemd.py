"""What systemd does for a service with sockets, no more: it holds them, starts the program with them, and prints what
the program says of itself. Commands on standard input: a line `restart`, `reload` or `stop`.

python3 tiny-systemd.py FOLDER PORT,PORT… PROGRAM ARGUMENT…
"""
import os
import select
import signal
import socket
import sys

folder, ports, program = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
FIRST = 3

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(os.path.join(folder, "notify"))
listeners = []
for port in ports:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(4096)
    listeners.append(listener)


def start():
    pid = os.fork()
    if pid > 0:
        return pid
    # Above the numbers that they get, so that none is overwritten before it was copied.
    kept = [os.dup2(listener.fileno(), 100 + at) for at, listener in enumerate(listeners)]
    for at, copy in enumerate(kept):
        os.dup2(copy, FIRST + at)
        os.close(copy)
    os.environ.update(
        LISTEN_PID=str(os.getpid()),
        LISTEN_FDS=str(len(listeners)),
        NOTIFY_SOCKET=os.path.join(folder, "notify"),
        WATCHDOG_PID=str(os.getpid()),
        WATCHDOG_USEC="1500000",
    )
    os.execvp(program[0], program)


def say(line):
    print(line, flush=True)


def status_of(pid):
    while True:
        while select.select([notify], [], [], 0.02)[0]:
            hear()
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)


def hear():
    words = notify.recv(4096).decode().split("\n")
    if words == ["BARRIER=1"]:
        return
    if "MAINPID=" + str(pid) not in words:
        say("told of another process")
    say("told " + " ".join(word for word in words if not word.startswith("MAINPID=")))


pid = start()
ends = 0
buffered = b""
while True:
    ready, _, _ = select.select([notify, 0], [], [])
    if notify in ready:
        hear()
    if 0 not in ready:
        continue
    chunk = os.read(0, 4096)
    buffered += chunk
    while b"\n" in buffered:
        line, buffered = buffered.split(b"\n", 1)
        command = line.decode()
        if command == "reload":
            os.kill(pid, signal.SIGHUP)
            continue
        os.kill(pid, signal.SIGTERM)
        status = status_of(pid)
        ends += 1
        say("end " + str(ends) + " with status " + str(status))
        if command == "stop":
            sys.exit(0)
        pid = start()
    if chunk == b"":
        os.kill(pid, signal.SIGKILL)
        sys.exit(1)
