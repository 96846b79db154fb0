"""What a bubblewrap box refuses, by small programs that try it; and what it must allow."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import GraderError
from grader.sandbox import Limits, bubblewrap, unavailable
from grader.sandbox.boxed import BoxRunning
from grader.sandbox.bubblewrap import Bubblewrap
from grader.sandbox.finish import Finished, run_to_end
from grader.sandbox.view import interpreter

WHY_NOT = unavailable("bubblewrap")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"no bubblewrap: {WHY_NOT}")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only as root a box has another user than its owner")

LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=20, file_bytes=8 << 20, processes=1, scratch_bytes=4 << 20)
BUILD = replace(LIMITS, processes=16)
# What the programs begin with. tell(f): "ok", or the name of the error that f raises.
PRELUDE = """
import ctypes, errno, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def tell(f):
    try:
        f()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
"""


class Box:
    """Runs Python programs in boxes of their own."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        self.made = folder / "made"
        self.scratch.mkdir()
        self.made.mkdir()

    def options(self, limits: Limits, **more: Any) -> dict[str, Any]:
        """The options of Sandbox.spawn."""
        usual = {"cwd": self.scratch, "readable": [], "writable": [], "scratch": self.scratch, "env": {"A": "b"}}
        return {"limits": limits, **usual, **more}

    def run(self, code: str, limits: Limits = LIMITS, seconds: float = 60, **more: Any) -> Finished:
        """Run `code` to its end."""
        command = [interpreter(), "-I", "-S", "-c", PRELUDE + code]
        return run_to_end(
            Bubblewrap(), command, wall_seconds=seconds, output_bytes=100_000, **self.options(limits, **more)
        )

    def told(self, expression: str, limits: Limits = LIMITS, **more: Any) -> Any:
        """The value of an expression in the box, which JSON must know."""
        done = self.run(f"print(json.dumps({expression}))", limits, **more)
        assert done.status == 0, done.output
        return json.loads(done.output)

    def start(self, code: str, limits: Limits = LIMITS, **more: Any) -> BoxRunning:
        """Start `code`, and give it back when it has printed a line."""
        command = [interpreter(), "-I", "-S", "-u", "-c", PRELUDE + code]
        running = Bubblewrap().spawn(command, **self.options(limits, **more))
        assert running.output.readline(), "it ended before it said anything"
        return running


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Boxes with a scratch folder, and one to write to."""
    return Box(tmp_path)


def end(running: BoxRunning) -> int:
    """End a box; its status."""
    running.kill()
    status = running.wait()
    running.output.close()
    return status


# --- files ---


def test_root_of_the_file_system_holds_nothing_of_the_hosts(box: Box) -> None:
    """No /home, /work, /var, /run, /sys, no /boot: what is not named is not there."""
    top = Path(interpreter()).parts[1]  # where Python lies; of what else is there, nothing can be seen
    allowed = {"bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "tmp", "usr", top}
    allowed.add(box.scratch.parts[1])
    assert set(box.told("os.listdir('/')")) <= allowed


def test_etc_holds_the_loaders_cache_at_most(box: Box) -> None:
    """No passwd, no shadow, no hosts, no keys."""
    assert set(box.told("os.listdir('/etc')")) <= {"ld.so.cache"}


def test_file_of_the_host_is_not_there(box: Box, tmp_path: Path) -> None:
    """A file that everybody may read, beside the scratch folder."""
    secret = tmp_path / "answers.json"
    secret.write_text("1")
    secret.chmod(0o644)
    assert box.told(f"tell(lambda: open({str(secret)!r}))") == "ENOENT"


@needs_root
def test_private_file_of_root_stays_shut(box: Box, tmp_path: Path) -> None:
    """Even shown, a root-owned file of mode 0600 cannot be read: the box's user is really another one."""
    shown = tmp_path / "shown"
    shown.mkdir(mode=0o755)
    (shown / "key").write_text("secret")
    (shown / "key").chmod(0o600)
    assert box.told(f"tell(lambda: open({str(shown / 'key')!r}))", readable=[shown]) == "EACCES"


def test_what_is_shown_cannot_be_changed(box: Box, tmp_path: Path) -> None:
    """Neither written nor removed nor given another mode, also where everybody may write."""
    shown = tmp_path / "shown"
    shown.mkdir()
    shown.chmod(0o777)
    file = shown / "file"
    file.write_text("1")
    file.chmod(0o666)
    tries = [f"open({str(file)!r}, 'w')", f"os.unlink({str(file)!r})", f"os.chmod({str(file)!r}, 0)"]
    tries.append(f"open({str(shown / 'new')!r}, 'w')")
    told = box.told(f"[tell(f) for f in ({', '.join('lambda: ' + each for each in tries)})]", readable=[shown])
    assert told == ["EROFS"] * 4


def test_libraries_and_root_cannot_be_written(box: Box) -> None:
    """Nor /dev, where a file would lie outside of every limit."""
    places = ["/", "/usr", "/dev", "/etc", os.path.dirname(os.__file__)]
    told = box.told(f"[tell(lambda: open(path + '/new', 'w')) for path in {places}]")
    assert set(told) <= {"EROFS", "EACCES"}


def test_packages_are_hidden(box: Box) -> None:
    """site-packages is empty wherever it lies: PyTorch is in there."""
    code = "[name for folder in sys.path for name in (os.path.join(folder, p) for p in"
    code += " ('site-packages', 'dist-packages')) if os.path.isdir(name) and os.listdir(name)]"
    assert box.told(code) == []


def test_scratch_lies_in_memory_and_is_bounded(box: Box) -> None:
    """Its size holds for all files together, and nothing of it is on the disk."""
    code = """
told = []
for number in range(8):
    try:
        open(f"file{number}", "wb").write(bytes(1 << 20))
    except OSError as error:
        told.append(errno.errorcode[error.errno])
print(json.dumps(told))
"""
    done = box.run(code)
    assert json.loads(done.output) == ["ENOSPC"] * 4
    assert list(box.scratch.iterdir()) == []


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
def test_shared_places_are_bounded(place: str, box: Box) -> None:
    """/tmp and /dev/shm take 16 MiB and no more."""
    code = f"""
total = 0
try:
    for number in range(40):
        total += open(f"{place}/{{number}}", "wb", buffering=0).write(bytes(1 << 20))
except OSError as error:
    print(errno.errorcode[error.errno], total >> 20)
"""
    assert box.run(code).output == "ENOSPC 16\n"


def test_nothing_stays_for_the_next_box(box: Box) -> None:
    """What one box leaves in /tmp, /dev/shm or scratch the next one does not find."""
    places = ["/tmp", "/dev/shm", str(box.scratch)]
    assert box.told(f"[open(p + '/left', 'w').write('x') for p in {places}]") == [1, 1, 1]
    assert box.told(f"[os.path.exists(p + '/left') for p in {places}]") == [False] * 3


def test_writable_folder_is_there_afterwards(box: Box) -> None:
    """What a build leaves in its one output folder is the caller's when the box is gone."""
    assert box.told(f"open({str(box.made / 'out')!r}, 'w').write('made')", writable=[box.made]) == 4
    assert (box.made / "out").read_text() == "made"


def test_links_in_a_writable_folder_are_not_followed_when_it_is_given_away(box: Box, tmp_path: Path) -> None:
    """An earlier build may have left one to a file outside."""
    outside = tmp_path / "outside"
    outside.write_text("1")
    (box.made / "link").symlink_to(outside)
    assert box.told("1", writable=[box.made]) == 1
    assert outside.stat().st_uid == os.geteuid()


def test_cuda_devices_are_shown_only_when_asked_for(box: Box) -> None:
    """And no other device than the five that programs cannot do without."""
    seen = set(box.told("os.listdir('/dev')"))
    assert seen == {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm"}
    more = set(box.told("os.listdir('/dev')", replace(LIMITS, gpu=True))) - seen
    assert all(name.startswith("nvidia") for name in more)


# --- users, processes ---


@needs_root
def test_every_box_is_another_user(box: Box) -> None:
    """With a number that no account has, so that boxes at the same time cannot touch each other."""
    first, second = (box.told("[*os.getresuid(), *os.getresgid(), *os.getgroups()]") for _ in range(2))
    assert len({*first}) == len({*second}) == 1
    assert first[0] != second[0]
    assert 0 not in first


@needs_root
def test_user_is_real_outside_too(box: Box) -> None:
    """The kernel's own idea of it: bwrap's --uid would be root's under another name."""
    running = box.start("print(1); import time; time.sleep(60)")
    assert Path(f"/proc/{running.pid}").stat().st_uid >= 1000
    end(running)


def test_no_capability_is_left(box: Box) -> None:
    """None in force, and none to be had; nor by a setuid program."""
    words = box.told("open('/proc/self/status').read()").splitlines()
    fields = dict(line.split(":\t", 1) for line in words if ":\t" in line)
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_proc_shows_the_box_only(box: Box) -> None:
    """bubblewrap's init and the command itself."""
    assert sorted(box.told("[int(name) for name in os.listdir('/proc') if name.isdigit()]")) == [1, 2]


def test_command_line_of_bubblewrap_names_nothing_of_the_host(box: Box, tmp_path: Path) -> None:
    """Everybody on the machine can read it; its options have every path that is shown, and go by a file."""
    shown = tmp_path / "shown-by-this-name"
    shown.mkdir()
    running = box.start("print(1, flush=True)\nsys.stdin.read(); import time; time.sleep(600)", readable=[shown])
    told = Path(f"/proc/{running.pid}/cmdline").read_text()
    end(running)
    assert "--args" in told
    assert not [
        word for word in told.split("\0") if word.startswith("/") and word not in (interpreter(), bubblewrap.program())
    ]
    assert "shown-by-this-name" not in told


def test_init_is_out_of_reach(box: Box) -> None:
    """It has the command's user: with its memory open, a submission could run code of its own as the box's init."""
    for limits in (LIMITS, BUILD):
        assert box.told("[os.listdir('/proc/1'), tell(lambda: open('/proc/1/mem', 'r+b'))]", limits) == [[], "ENOENT"]


def test_environment_is_what_was_given(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours."""
    monkeypatch.setenv("MUGRADE_KEY", "secret")
    assert set(box.told("dict(os.environ)")) <= {"A", "PWD", "LC_CTYPE"}


def test_descriptors_are_the_three(box: Box) -> None:
    """No file of ours, no pipe of the launcher's or of bubblewrap's."""
    with open(__file__) as ours:
        os.set_inheritable(ours.fileno(), True)
        assert box.told("[n for n in range(3, 1000) if tell(lambda: os.fstat(n)) == 'ok']") == []


def test_host_name_is_not_told(box: Box) -> None:
    """A box has a name of its own."""
    assert box.told("os.uname().nodename") == "box"


def test_there_is_no_terminal(box: Box) -> None:
    """None to type commands into for whoever looks at it afterwards."""
    assert box.told("tell(lambda: os.open('/dev/tty', os.O_RDWR))") in ("ENOENT", "ENXIO")
    assert box.told("os.getsid(0)") == 1  # the box's own session: 0 would be one outside


@pytest.mark.parametrize("limits", [LIMITS, BUILD], ids=["worker", "build"])
@pytest.mark.parametrize(
    "tried",
    [
        "call('unshare', 0x10000000)",  # CLONE_NEWUSER
        "call('unshare', 0x20000)",  # CLONE_NEWNS
        "call('setns', os.open('/proc/self/ns/net', os.O_RDONLY), 0)",
        "call('mount', b'x', b'/tmp', b'tmpfs', 0, None)",
        "call('umount2', b'/tmp', 0)",
        "call('chroot', b'/tmp')",
        "call('ptrace', 16, 1, 0, 0)",  # PTRACE_ATTACH
        "call('process_vm_readv', 1, None, 0, None, 0, 0)",
        "call('syscall', 250, 0, 0, 0)"
        if os.uname().machine == "x86_64"
        else "call('syscall', 219, 0, 0, 0)",  # keyctl
        "call('syscall', 425, 1, None)",  # io_uring_setup
        "call('syscall', 323, 0)" if os.uname().machine == "x86_64" else "call('syscall', 282, 0)",  # userfaultfd
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "os.mknod('device', 0o020600, os.makedev(1, 1))",
    ],
)
def test_call_is_refused(tried: str, limits: Limits, box: Box) -> None:
    """By the filter, so that the kernel's code behind it is never reached."""
    assert box.told(f"tell(lambda: {tried})", limits) in ("EPERM", "ENOSYS", "EAFNOSUPPORT", "EACCES")


@pytest.mark.parametrize("tried", ["os.fork()", "os.posix_spawn('/bin/sh', ['sh'], {})", "os.setsid()"])
def test_worker_starts_no_process(tried: str, box: Box) -> None:
    """A daemon could outlive it, and each would have limits of its own."""
    assert box.told(f"tell(lambda: {tried})") != "ok"


def test_worker_may_start_threads(box: Box) -> None:
    """A submission's C++ may use them."""
    code = "import threading; t = threading.Thread(target=lambda: print('in a thread')); t.start(); t.join()"
    assert box.run(code).output == "in a thread\n"


def test_build_starts_processes_up_to_a_number(box: Box) -> None:
    """A compiler does; a fork bomb comes to its end at the limit, and hurts nobody."""
    code = """
import time
count = 0
try:
    while count < 1000:  # more than the limit, and less than hurts should there be none
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        count += 1
except OSError as error:
    print(errno.errorcode[error.errno], 10 < count < 500)
"""
    assert box.run(code, BUILD).output == "EAGAIN True\n"


# --- network and other boxes ---


def test_loopback_of_the_host_is_out_of_reach(box: Box) -> None:
    """There are no IP sockets at all; and if there were, the network namespace has only a loopback that is down."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert box.told(f"tell(lambda: socket.create_connection(('127.0.0.1', {port})))") != "ok"
    assert box.told("sorted(line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line)") == ["lo"]


def test_abstract_sockets_of_the_host_are_out_of_reach(box: Box) -> None:
    """They belong to the network namespace: the desktop's message bus has one."""
    name = f"grader-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        tried = f"socket.socket(socket.AF_UNIX).connect(chr(0) + {name!r})"
        assert box.told(f"tell(lambda: {tried})") in ("ECONNREFUSED", "EPERM")


def test_shared_memory_of_the_host_is_out_of_reach(box: Box) -> None:
    """A box has System V segments of its own."""
    made = subprocess.run(["ipcmk", "-M", "4096"], capture_output=True, text=True, check=True).stdout
    number = made.rsplit(maxsplit=1)[-1]
    try:
        assert box.told(f"tell(lambda: call('shmat', {number}, None, 0))") != "ok"
        assert len(box.told("open('/proc/sysvipc/shm').read()").splitlines()) == 1  # the heading
    finally:
        subprocess.run(["ipcrm", "-m", number], check=True)


def test_judge_cannot_be_signalled(box: Box) -> None:
    """Its number means nothing inside, where processes have numbers of their own."""
    assert box.told(f"tell(lambda: os.kill({os.getpid()}, 0))") != "ok"
    assert box.told("os.getppid()") == 1  # bubblewrap's init, and nobody above it


# --- limits and endings ---


def test_memory_has_a_limit(box: Box) -> None:
    """Of one process."""
    assert box.run("x = bytearray(600 << 20)").status == 1


def test_file_size_has_a_limit(box: Box) -> None:
    """Also where there is room for more."""
    limits = replace(LIMITS, file_bytes=1 << 20, scratch_bytes=8 << 20)
    code = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "f = open('file', 'wb', buffering=0); f.write(bytes(1 << 20)); print(tell(lambda: f.write(b'1')))"
    assert box.run(code, limits).output == "EFBIG\n"


def test_limits_cannot_be_raised(box: Box) -> None:
    """Hard ones as well as soft ones are set."""
    code = """
import resource
try:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))
except (ValueError, OSError):
    print("no")
"""
    assert box.run(code).output == "no\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("sys.exit(3)", 3),
        ("os.abort()", -6),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.kill(os.getpid(), 40)", -40),  # a real-time signal
        ("os._exit(125)", 125),  # the launcher's and bubblewrap's own, where they fail
    ],
)
def test_status(code: str, status: int, box: Box) -> None:
    """bubblewrap reports a signal as 128 and its number; here it is a signal again."""
    assert box.run(code).status == status


def test_cpu_time_is_used_up(box: Box) -> None:
    """SIGXCPU tells why; who ignores it is killed a moment later."""
    brief = replace(LIMITS, cpu_seconds=1)
    assert box.run("while True: pass", brief).status == -24
    assert box.run("import signal; signal.signal(24, signal.SIG_IGN)\nwhile True: pass", brief).status == -9


def test_box_that_is_killed_while_it_starts_is_nobodys_fault(box: Box) -> None:
    """At whatever moment: its end comes at once, and says that it was killed."""
    for pause in range(0, 40, 2):  # milliseconds; it takes 20 to start
        running = Bubblewrap().spawn([interpreter(), "-I", "-c", "while True: pass"], **box.options(LIMITS))
        time.sleep(pause / 1000)
        assert end(running) == -9


def test_daemon_is_gone_after_the_end(box: Box) -> None:
    """Though it has left group and session, closed everything, and been given to init."""
    code = """
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(read)
        open("beat", "w").write("1")
        os.write(write, b"1")
        for n in (0, 1, 2):
            os.close(n)
        import time
        while True:
            open("beat", "a").write("1")
            time.sleep(0.002)
    os._exit(0)
os.read(read, 1)
print("started")
"""
    done = box.run(code, BUILD, cwd=box.made, writable=[box.made])
    assert (done.status, done.output) == (0, "started\n")
    size = (box.made / "beat").stat().st_size
    time.sleep(0.05)
    assert (box.made / "beat").stat().st_size == size


def test_killing_ends_all_of_it(box: Box) -> None:
    """Also what has left the process group; when `wait` returns nobody writes any more."""
    code = "f = open('beat', 'ab', buffering=0)\nos.fork() or os.setsid()\nprint(1)\nwhile True: f.write(b'1')"
    running = box.start(code, BUILD, cwd=box.made, writable=[box.made])
    assert end(running) == -9
    size = (box.made / "beat").stat().st_size
    time.sleep(0.05)
    assert (box.made / "beat").stat().st_size == size


def test_cpu_time_of_all_of_it_is_told(box: Box) -> None:
    """Of the command, which is no child of ours."""
    running = box.start("print(1)\nwhile True: pass")
    before = running.cpu_seconds()
    deadline = time.monotonic() + 60
    while running.cpu_seconds() < before + 0.1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    end(running)


def test_box_dies_with_its_judge(box: Box) -> None:
    """A judge that was killed ends nothing itself."""
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from grader.sandbox import Limits
from grader.sandbox.bubblewrap import Bubblewrap
from grader.sandbox.view import interpreter
folder = Path({str(box.scratch)!r})
running = Bubblewrap().spawn(
    [interpreter(), "-I", "-S", "-u", "-c", "print(1); import time; time.sleep(600)"],
    limits=Limits(1 << 30, 60, 1, 1, 1 << 20), cwd=folder, readable=[], writable=[], scratch=folder, env={{}})
running.output.readline()
print(running.pid, flush=True)
time.sleep(600)
"""
    judge = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert judge.stdout is not None
    pid = int(judge.stdout.readline())
    judge.kill()
    judge.communicate()
    deadline = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < deadline, "the box lives on"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there and not yet dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


# --- our own faults ---


def test_command_that_is_not_there_is_our_fault(box: Box) -> None:
    """bubblewrap's failures must never look like a submission's."""
    with pytest.raises(GraderError, match=r"A box could not be made: .*No such file"):
        run_to_end(Bubblewrap(), ["/nowhere"], wall_seconds=60, output_bytes=1000, **box.options(LIMITS))


def test_path_that_is_not_there_is_our_fault(box: Box, tmp_path: Path) -> None:
    """So is a path to be shown that does not exist."""
    with pytest.raises((GraderError, FileNotFoundError)):
        box.run("1", readable=[tmp_path / "nowhere"])


@needs_root
def test_path_that_the_box_could_not_read_is_our_fault(box: Box, tmp_path: Path) -> None:
    """Else a tree would be said to lack its own files."""
    (tmp_path / "private").mkdir(mode=0o700)
    with pytest.raises(GraderError, match=r"has mode 0700.*chmod -R"):
        box.run("1", readable=[tmp_path / "private"])


# --- as an ordinary user ---


@needs_root
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python that every user can reach")
def test_ordinary_user_has_boxes_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    """bubblewrap works without any rights; there RLIMIT_NPROC is set inside, where it counts the box alone."""
    program = """
import sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from grader.sandbox import Limits, unavailable
from grader.sandbox.bubblewrap import Bubblewrap
from grader.sandbox.finish import run_to_end
from grader.sandbox.view import interpreter
assert unavailable("bubblewrap") is None, unavailable("bubblewrap")
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    code = "import os, resource; print(os.getuid(), os.listdir('/tmp') == [os.path.basename(os.getcwd())],"
    code += " resource.getrlimit(resource.RLIMIT_NPROC)[0] < 1000, os.access('/etc/passwd', os.F_OK))"
    limits = Limits(1 << 30, 20, 1 << 20, 1, 1 << 20)
    done = run_to_end(Bubblewrap(), [interpreter(), "-I", "-S", "-c", code], limits=limits, wall_seconds=60,
        output_bytes=10000, cwd=folder, readable=[], writable=[], scratch=folder, env={})
    print(done.status, done.output)
"""
    user = str(bubblewrap.unused_uid())
    ours = str(Path(__file__).parents[2])
    command = [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "/usr/bin/python3",
        "-I",
        "-c",
        program,
        ours,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={})
    assert done.stdout.split() == ["0", user, "True", "True", "False"], done.stderr
