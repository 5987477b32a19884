"""A line between a client and a server on loopback that can be cut: before the answer, so that the client is in doubt."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Relay:
    """Hands on what comes, while the `with` lasts."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._marks: list[bytes] = []
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self._listener.getsockname()[1])

    def cut_answer_to(self, mark: bytes) -> None:
        """Let the next request that holds `mark` reach the server, and close the line when the server answers."""
        self._marks.append(mark)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every line."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            _close(each)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            doubt = threading.Event()
            threading.Thread(target=self._ask, args=(client, server, doubt), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, server, doubt), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, doubt: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                if self._marks and self._marks[0] in data:
                    self._marks.pop(0)
                    doubt.set()
                server.sendall(data)
        _close(server)

    def _answer(self, client: socket.socket, server: socket.socket, doubt: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if doubt.is_set():
                    self.cuts += 1
                    break
                client.sendall(data)
        _close(client)
        _close(server)


def _close(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
