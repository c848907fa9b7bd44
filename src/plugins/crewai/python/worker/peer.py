"""JSON-RPC 2.0 over a stream of lines: requests and answers in both directions."""

import json
import os
import queue
import threading


class Refused(Exception):
    """The platform did not do what it was asked."""


class Peer:
    def __init__(self, connection):
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8", newline="\n")
        self._sending = threading.Lock()
        self._waiting = {}
        self._next = 0
        self.requests = queue.SimpleQueue()

    def listen(self):
        threading.Thread(target=self._read, name="platform", daemon=True).start()

    def request(self, method, **params):
        """Asks the platform and waits for its answer, however long that takes."""
        answer = queue.SimpleQueue()
        with self._sending:
            self._next += 1
            number = self._next
            self._waiting[number] = answer
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        message = answer.get()
        if "error" in message:
            raise Refused(message["error"].get("message", "refused"))
        return message.get("result")

    def answer(self, number, result):
        self._send({"jsonrpc": "2.0", "id": number, "result": result})

    def fail(self, number, code, message, kind):
        error = {"code": code, "message": message, "data": {"type": kind}}
        self._send({"jsonrpc": "2.0", "id": number, "error": error})

    def _send(self, message):
        line = json.dumps(message, default=str) + "\n"
        with self._sending:
            self._connection.sendall(line.encode("ascii"))

    def _read(self):
        for line in self._lines:
            message = json.loads(line)
            if "method" in message:
                self.requests.put(message)
            else:
                self._waiting.pop(message["id"]).put(message)
        # Without the platform there is nobody to work for.
        os._exit(0)
