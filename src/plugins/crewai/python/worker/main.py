"""Loads CrewAI once, which takes seconds, and forks a process for each run, which takes milliseconds.

What it is told comes as JSON-RPC 2.0 lines on standard input; a run's own process talks to the platform over a socket of its own. This process never
starts a thread, so that forking it is safe.
"""

import gc
import json
import os
import platform
import shutil
import signal
import socket
import sys
import tempfile
import traceback

PROTOCOL = 1


def take_output():
    """What libraries print goes to standard error: standard output belongs to the protocol."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


class Nursery:
    def __init__(self, out):
        self._out = out
        self._children = {}

    def say(self, message):
        os.write(self._out, (json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode())

    def serve(self, line):
        message = json.loads(line)
        if message["method"] == "initialize":
            import crewai

            self.say({"id": message["id"], "result": {"protocol": PROTOCOL, "python": platform.python_version(), "crewai": crewai.__version__}})
        elif message["method"] == "fork":
            self.say({"id": message["id"], "result": {"pid": self.fork(**message["params"])}})

    def fork(self, path, folder):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.setpgid(0, 0)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
                os.close(self._out)
                work(path, folder)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        self._children[pid] = folder
        try:
            # Both sides: whoever is first, the group is there before the platform hears of it.
            os.setpgid(pid, pid)
        except OSError:
            pass
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return pid

    def reap(self, *_):
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._children.pop(pid, None)
            self.say({"method": "exited", "params": {"pid": pid, "code": os.waitstatus_to_exitcode(status)}})

    def end(self):
        """The platform is gone: whatever it left here goes too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        for pid, folder in self._children.items():
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                pass
            shutil.rmtree(folder, ignore_errors=True)


def work(path, folder):
    """The process of one run: a folder, an environment and a line to the platform of its own."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = os.open(os.path.join(folder, "stderr.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(nothing, 0)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    os.chdir(folder)
    for name in ("HOME", "TMPDIR", "CREWAI_STORAGE_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = folder
    tempfile.tempdir = folder
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)

    from worker.crew import serve
    from worker.peer import Peer

    peer = Peer(connection)
    peer.listen()
    serve(peer)


def load():
    """Everything that a run needs, what CrewAI loads at first use included: a fork then has it already."""
    import crewai.hooks.contexts  # noqa: F401
    import crewai.llms.cache  # noqa: F401
    import crewai.skills.tool  # noqa: F401
    import crewai.tasks.hallucination_guardrail  # noqa: F401
    import worker.crew  # noqa: F401

    # What is loaded stays shared between the forks: the collector leaves it alone.
    gc.freeze()


def main():
    nursery = Nursery(take_output())
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    load()
    signal.signal(signal.SIGCHLD, nursery.reap)
    for line in sys.stdin:
        nursery.serve(line)
    nursery.end()
    # Nothing of a crew ran here, so nothing is to be put away.
    os._exit(0)


main()
