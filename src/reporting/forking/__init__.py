"""Processes that start warm: forked from one that has the slow imports behind it.

    start_server(modules) → Server → fork(call) → Forked

The server is a process of one thread that imports what it is told, then waits at a Unix socket and forks a child for
each request. A child is an ordinary process with the caller's folder, environment and output; its exit, processor
time and memory are told to the caller. It ends when the caller ends, and everything ends when the server does.

Linux only. No thread runs in the server when it forks but those that libraries start at import, which mind forks.
"""

from reporting.forking.client import Forked, RefusedForkError, Server, Usage, connect, start_server

__all__ = ["Forked", "RefusedForkError", "Server", "Usage", "connect", "start_server"]
