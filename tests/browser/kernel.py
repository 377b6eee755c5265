"""Reads a running kernel's Python objects from outside, so that tests assert on them and not on the page alone.

A second client of the notebook's own kernel, through the server's websocket: the cells, their numbers and their
outputs stay untouched. Knows Jupyter's messages; nothing of nbtrain.
"""

from __future__ import annotations

import ast
import json
import uuid
from typing import Any

import websocket

_AS_JSON = "__import__('json').dumps({expression}, default=str)"


class KernelClient:
    """A client of the kernel ``kernel_id`` of the server at ``url``."""

    def __init__(self, url: str, kernel_id: str, limit_s: float = 60) -> None:
        self.session = uuid.uuid4().hex
        self._address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={self.session}"
        self._limit_s = limit_s
        self._socket = self._connected()
        self._subshell: str | None = None

    def evaluate(self, expression: str, *, beside: bool = False) -> Any:
        """Return the expression's value in the notebook's namespace, through JSON (other things as text).

        ``beside`` evaluates it in a thread of its own, while a cell is running (ipykernel 7 and newer).
        """
        content = self._request("", {"value": _AS_JSON.format(expression=f"({expression})")}, beside=beside)
        value = content["user_expressions"]["value"]
        if value["status"] != "ok":
            raise RuntimeError(f"{expression!r} in the kernel: {value['ename']}: {value['evalue']}")
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def execute(self, code: str, *, beside: bool = False) -> None:
        """Run ``code`` in the notebook's namespace without a cell; what it raises is raised here."""
        content = self._request(code, {}, beside=beside)
        if content["status"] != "ok":
            raise RuntimeError("\n".join(content.get("traceback", [content.get("ename", "aborted")])))

    def _connected(self) -> Any:
        return websocket.create_connection(self._address, timeout=self._limit_s)

    def close(self) -> None:
        """Leave; the kernel stays."""
        self._socket.close()

    def _request(self, code: str, expressions: dict[str, str], *, beside: bool) -> dict[str, Any]:
        content = {
            "code": code,
            "silent": True,
            "store_history": False,
            "user_expressions": expressions,
            "allow_stdin": False,
            "stop_on_error": False,
        }
        subshell = self._own_subshell() if beside else None
        answer = self._ask("shell", "execute_request", content, subshell)
        while answer["status"] == "aborted":  # a cell before it failed, which empties the kernel's queue
            answer = self._ask("shell", "execute_request", content, subshell)
        return answer

    def _own_subshell(self) -> str:
        if self._subshell is None:
            reply = self._ask("control", "create_subshell_request", {})
            self._subshell = str(reply["subshell_id"])
        return self._subshell

    def _ask(self, channel: str, kind: str, content: dict[str, Any], subshell: str | None = None) -> dict[str, Any]:
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": kind, "session": self.session, "username": "tests", "version": "5.5"}
        if subshell is not None:
            header["subshell_id"] = subshell
        message = {"channel": channel, "header": header, "parent_header": {}, "metadata": {}, "content": content}
        try:
            self._socket.send(json.dumps(message))
        except (OSError, websocket.WebSocketConnectionClosedException):
            # The server lets go of a client that has not answered its pings, which this one only does while it waits.
            self._socket = self._connected()
            self._socket.send(json.dumps(message))
        while True:
            heard = self._socket.recv()
            if not isinstance(heard, str):
                continue  # a widget's binary buffers pass by here too; an answer is always text
            answer: dict[str, Any] = json.loads(heard)
            if answer["channel"] == channel and answer["parent_header"].get("msg_id") == number:
                return dict(answer["content"])
