"""What a forking server has in memory before it forks, and whether it still fits.

Modules are imported before the first fork, so that every child has the same. Functions, named ``module:function``, fill
caches: they run while nobody waits, and one that yields may be interrupted there. What cannot be imported is left out
and told; a child imports it anew, and then gets the error where it belongs.
"""

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reporting.forking import linux

DONE = object()


class Preloading:
    """Modules and functions that a server loads.

    Parameters
    ----------
    names
        ``"module"`` to import, ``"module:function"`` to call after all modules are there.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.modules = [name for name in names if ":" not in name]
        self.problems: dict[str, str] = {}
        self._steps = self._warming([name for name in names if ":" in name])
        self.pending = True
        self._files: dict[str, int] = {}
        self._frozen = False

    def load_modules(self) -> None:
        """Import all modules."""
        gc.disable()
        for name in self.modules:
            self._try(name, partial(importlib.import_module, name))

    def warm_up(self) -> None:
        """Run one step of the functions."""
        self.pending = next(self._steps, None) is not None
        self._frozen = False

    def settle(self) -> None:
        """Make ready to fork: memory that the children share should not be written to."""
        if not self._frozen:
            gc.freeze()  # and nothing collected: new objects would fill the holes, each in a page of the child's own
            linux.give_memory_back()
            self._frozen = True

    def in_child(self) -> None:
        """Give a child what must be its own: random numbers that its siblings do not draw."""
        random = sys.modules.get("numpy.random")
        if random is not None:
            random.seed()

    def about(self) -> dict[str, Any]:
        """What is loaded, and what could not be."""
        return {"modules": self.modules, "problems": self.problems, "warm": not self.pending}

    def changed_file(self) -> str | None:
        """A file of a loaded module that is no longer the one that was loaded."""
        self._note_files()
        return next((file for file, changed in self._files.items() if _changed(file) != changed), None)

    def shadowed_by(self, folder: str) -> str | None:
        """Why a process that starts in `folder` would import other modules than these, if so."""
        try:
            there = set(os.listdir(folder))
        except OSError as error:
            return f"{folder} cannot be read: {error.strerror}"
        for name in sorted({name.partition(".")[0] for name in sys.modules}):
            found = f"{name}.py" if f"{name}.py" in there else f"{name}/__init__.py" if name in there else None
            if found is None or not (Path(folder) / found).is_file():
                continue
            loaded = getattr(sys.modules.get(name), "__file__", None)
            if loaded is None or not os.path.samefile(loaded, Path(folder) / found):
                return f"{found} in {folder} would be imported in place of the module that is loaded"
        if "matplotlibrc" in there:
            return f"{folder} has settings of its own, in matplotlibrc"
        return None

    def _warming(self, names: Sequence[str]) -> Iterator[bool]:
        for name in names:
            module, _, function = name.partition(":")
            running = self._try(name, lambda: getattr(importlib.import_module(module), function)())  # noqa: B023
            yield True
            while hasattr(running, "__next__") and self._try(name, lambda: next(running, DONE), DONE) is not DONE:  # noqa: B023
                yield True

    def _try(self, name: str, action: Callable[[], Any], otherwise: Any = None) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return action()
        except Exception as error:
            self.problems[name] = f"{type(error).__name__}: {error}"
            return otherwise

    def _note_files(self) -> None:
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file not in self._files:
                self._files[file] = _changed(file)


def _changed(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
