"""Sockets find a place whose path they can have."""

import shutil
import socket
import stat
from pathlib import Path

import pytest

from reporting.forking.folders import private_folder


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 6])
def test_a_socket_can_be_made_however_long_the_path_of_temporary_files_is(tmp_path, monkeypatch, depth):
    usual = tmp_path.joinpath(*["a" * 20] * depth)
    usual.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(usual))
    folder = Path(private_folder("reporting-"))
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "kernel-4194304-ipc-5"))
    finally:
        shutil.rmtree(folder)


def test_where_the_path_is_short_the_folder_is_where_temporary_files_belong(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    folder = Path(private_folder("reporting-"))
    folder.rmdir()
    assert folder.parent == Path("/tmp")
