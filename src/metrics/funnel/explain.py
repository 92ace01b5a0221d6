"""Why is somebody counted, or not? Every attempt of one unit, step by step, with the reason in words.

The attempts are those of the funnel's own search, and the one that counts is the one that it credits: nothing is
decided here a second time.
"""

import dataclasses
import difflib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.engine import Events, Reading, Rows, by_user, rows_of
from metrics.engine.frames import FrameSource
from metrics.engine.local import Columns, run
from metrics.funnel.attempts import credited_of, excluded_rows, measured_from, prepare, reading_of
from metrics.funnel.choices import Choices
from metrics.funnel.moments import match
from metrics.funnel.options import FunnelOptions, spell_out
from metrics.funnel.reasons import NOT_DONE, Witness, in_words, span
from metrics.periods import Ints, When, instant
from metrics.results import result
from metrics.steps import EventChoice, Mask

_EVER = instant("9999-12-31")
_COLUMNS = ["attempt", "step", "event", "timestamp", "outcome", "reason"]
_Key: TypeAlias = tuple[int, int]  # unit and instant at which an attempt begins
_Told: TypeAlias = tuple[int, str, int | None, str, str]  # step, event, instant, outcome, reason
_MANY = 20_000  # ids that are compared with a misspelt one letter by letter


@spell_out
def explain_funnel(
    events: Events, steps: Sequence[EventChoice], *, user_id: Any, as_of: When, **options: Unpack[FunnelOptions]
) -> pd.DataFrame:
    """I know someone who did it: why are they not counted?

    Every row of the unit that could begin an attempt is followed, step by step, up to the step that was not done, and
    each step says which row served it or why none did. Arguments other than `user_id` as in `conversion_funnel`.

    Parameters
    ----------
    user_id
        The user, or with `unit` the account, session, … in that column.

    Returns
    -------
    DataFrame, one row per attempt and step tried, in order of time
        the columns of `hold_constant`, of which each combination of values is a unit of its own
        attempt    1, 2, …; 0 if the unit never did step 1
        step       number of the step, from 1
        event      the step in words
        timestamp  UTC   instant at which it was done, NaT if it was not
        outcome    what the row means for the funnel's numbers:
                   ``counted``, the unit is among `users` of the step by this row;
                   ``dropped``, ``open``, ``excluded``, it is in that column of the step;
                   ``skipped``, an optional step that the attempt that counts did without;
                   ``not counted``, the attempt counts nowhere
        reason     text

    Raises
    ------
    ValueError
        Nobody of this name; else as `conversion_funnel`. A step that the unit never did is no error here.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit
    ...     2026-01-09  ann  buy
    ... ''')
    >>> why = explain_funnel(log, ["visit", "buy"], user_id="ann", window="7 days", as_of="2026-02-01")
    >>> why[["attempt", "step", "outcome"]]
       attempt  step  outcome
    0        1     1  counted
    1        1     2  dropped
    >>> why["reason"][1]
    'not done within 7 days of step 1 (until 2026-01-08 00:00): done 2026-01-09 00:00, 1 day after the window'
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    held = choices.columns_of_unit[1:]
    for name in held:
        if name in _COLUMNS:
            raise ValueError(f"hold_constant: {name!r} is a column of the result. Rename the property.")
    found = rows_of(events, unit=choices.unit, value=user_id, before=_EVER)
    if not len(found):
        raise ValueError(_nobody(events, choices.unit, user_id))
    table = pd.DataFrame(_Unit(choices, found).told(), columns=[*held, *_COLUMNS], dtype="object")
    table = table.astype({"attempt": int, "step": int, "event": "str", "outcome": "str", "reason": "str"})
    times = np.array([NOT_DONE if time is None else time for time in table["timestamp"]], np.int64)
    table["timestamp"] = pd.DatetimeIndex(times.view("M8[us]"), tz="UTC")
    return result(
        table,
        metric="explain_funnel",
        definition=choices.definition,
        settings=choices.settings | {choices.unit: user_id},
    )


@dataclasses.dataclass
class _Unit:
    """One unit, whose rows are several units if properties are held constant."""

    choices: Choices
    events: pd.DataFrame

    def __post_init__(self) -> None:
        held = self.choices.columns_of_unit[1:]
        asked = [name for step in self.choices.path for name in step.where]
        reading = reading_of(self.choices, everything=True, groups=list(dict.fromkeys(["event", *held, *asked])))
        source = FrameSource(self.events)
        reading.check(source.columns)
        caught: list[Rows] = []

        def catch(rows: Rows) -> Columns:
            caught.append(rows)
            return {}

        # All rows, so that one from `as_of` on can be named; and no word about steps that this unit never did.
        run(source, dataclasses.replace(reading, before=_EVER), catch)
        self.rows = caught[0]
        self.values = {
            name: pd.Series(source.values(name)).reindex(codes).array for name, codes in self.rows.groups.items()
        }
        self.columns = {name: pd.Series(list(map(in_words, v)), dtype="str") for name, v in self.values.items()}
        self.seen = np.flatnonzero(self.rows.time < self.choices.span.as_of)
        read = _part(self.rows, self.seen)
        self.credited = credited_of(read, self.choices)
        # The attempts that the choices let nobody begin are followed too, to say what they would have come to.
        self.prepared = prepare(read, dataclasses.replace(self.choices, reentry="best", mature_only=False))
        self.moments, self.tried = self.prepared.moments, self.prepared.attempts
        starts = self.tried.starts
        self.place = {key: j for j, key in enumerate(self._keys(self.moments.unit[starts], self.moments.time[starts]))}
        self.credit = {key: i for i, key in enumerate(self._keys(self.credited.unit, self.credited.times[0]))}
        first = slice(None) if self.choices.order == "unordered" else slice(1)
        enters = self._does[first].any(axis=0)
        entries = sorted(set(self._keys(self.rows.unit[enters], self.rows.time[enters])), key=lambda key: key[::-1])
        self.number = {key: number for number, key in enumerate(entries, start=1)}
        self.after = measured_from(self.choices)

    @staticmethod
    def _keys(unit: Ints, time: Ints) -> list[_Key]:
        return list(zip(unit.tolist(), time.tolist(), strict=True))

    @cached_property
    def _does(self) -> Mask:
        return np.stack([self.rows.meets(k) for k in range(len(self.choices.path))])

    def _witness(self, unit: int) -> Witness:
        usable = np.zeros(self._does.shape, bool)
        usable[:, self.seen] = self.moments.met
        return Witness(self.choices, self.rows.time, self._does, usable, self.rows.unit == unit, self.columns)

    def told(self) -> list[tuple[Any, ...]]:
        """Rows of the table."""
        if not self.number:
            nothing = [None] * (len(self.choices.columns_of_unit) - 1)
            witness = dataclasses.replace(self._witness(0), mine=np.ones(len(self.rows.time), bool))
            steps = self.choices.path if self.choices.order == "unordered" else self.choices.path[:1]
            label = " or ".join(step.label for step in steps)
            return [(*nothing, 0, 1, label, None, "not counted", witness.never_entered())]
        rows = []
        for key, number in self.number.items():
            witness = self._witness(key[0])
            mine = int(np.flatnonzero(witness.mine)[0])
            held = [self.values[name][mine] for name in self.choices.columns_of_unit[1:]]
            if key in self.place:
                told = self._attempt(key, witness)
            else:
                told = [(1, self._entry_label(witness, key[1]), key[1], "not counted", witness.enters_not(key[1]))]
            rows += [(*held, number, *row) for row in told]
        return rows

    def _entry_label(self, witness: Witness, time: int) -> str:
        does = self._does[:, witness.mine & (self.rows.time == time)].any(axis=1)
        return self.choices.path[int(does.argmax())].label

    def _attempt(self, key: _Key, witness: Witness) -> list[_Told]:
        """Step, event, instant, outcome and reason of each step of an attempt, up to the one that was not done."""
        path, void = self._path(self.place[key]), bool(self.prepared.void[self.place[key]])
        mine: int | None = self.credit.get(key)
        counts = mine is not None
        excluded = mine is not None and bool(self.credited.void[mine])
        reached = "excluded" if excluded else "counted" if counts else "not counted"
        story = self._standing(key, path, void, witness)
        if self.choices.order == "unordered":
            return self._without_order(key, witness, reached, story)
        told: list[_Told] = [(1, self.choices.path[0].label, key[1], reached, story)]
        for k, step in enumerate(self.choices.path[1:], start=1):
            after = int(self.after[k])
            here = int(path[after])
            if path[k] != NOT_DONE:
                told.append((k + 1, step.label, int(path[k]), reached, self._done(int(path[k]) - here, after)))
                continue
            if step.optional:
                outcome = "skipped" if counts and not excluded else reached
                told.append((k + 1, step.label, None, outcome, "optional, and not done between its neighbours"))
                continue
            reason = witness.missed(k, here=here, began=key[1], after=after)
            told.append((k + 1, step.label, None, *self._ended(key, mine, reason)))
            break
        return told

    def _without_order(self, key: _Key, witness: Witness, reached: str, story: str) -> list[_Told]:
        served = self._matched(key)
        told: list[_Told] = []
        for number, (time, step) in enumerate(served, start=1):
            reason = story if number == 1 else f"{span(time - served[number - 2][0])} after step {number - 1}"
            told.append((number, self.choices.path[step].label, time, reached, reason))
        done = [step for _, step in served]
        missing = [k for k in range(len(self.choices.path)) if k not in done]
        if missing:
            labels = [self.choices.path[k].label for k in missing]
            said = [witness.missed(k, here=key[1], began=key[1], after=0) for k in missing]
            if len(said) > 1:
                said = [f"{label} {text}" for label, text in zip(labels, said, strict=True)]
            ended = self._ended(key, self.credit.get(key), "; ".join(said))
            told.append((len(served) + 1, " or ".join(labels), None, *ended))
        return told

    def _done(self, waited: int, after: int) -> str:
        if waited < 0:
            return f"{span(waited)} before step {after + 1}, within the grace of {self.choices.grace}"
        return f"{span(waited)} after step {after + 1}" if waited else f"at the instant of step {after + 1}"

    def _ended(self, key: _Key, mine: int | None, reason: str) -> tuple[str, str]:
        """What the step that was not done means for the numbers."""
        if mine is None:
            return "not counted", reason
        if self.credited.void[mine]:
            return "excluded", reason
        if not self.credited.open[mine]:
            return "dropped", reason
        open_until = key[1] + self.choices.rules.window
        if open_until > self.choices.span.as_of:
            return "open", reason
        later = [k for k in self.place if k[0] == key[0] and k[1] > key[1] and not self.prepared.void[self.place[k]]]
        last = max(later, key=lambda k: k[1], default=key)
        until = self._witness(key[0]).clock(last[1] + self.choices.rules.window)
        return "open", f"{reason}; attempt {self.number[last]} may still come further, its window is open until {until}"

    def _standing(self, key: _Key, path: Ints, void: bool, witness: Witness) -> str:
        """Whether the attempt is the one that counts, and if not, why another one is."""
        if void:
            places = range(len(self.choices.path), len(self.choices.path) + len(self.choices.exclusions))
            marks = [excluded_rows(self.rows, place, self.choices) for place in places]
            by = witness.void_by(path, marks, key[1])
            alone = len(self.place) == 1 or key not in self.credit or self.choices.reentry == "first"
            return by if alone else f"{by}; all attempts are void, and none came further"
        if key in self.credit:
            counts = "; this attempt counts" if len(self.number) > 1 else ""
            return f"enters the funnel{counts}"
        until = key[1] + self.choices.rules.window
        if self.choices.mature_only and until > self.choices.span.as_of:
            return f"its window is open until {witness.clock(until)}, and mature_only counts those that are over"
        others = [k for k in self.credit if k[0] == key[0]]
        if self.choices.counting == "attempts":
            before = max((k for k in others if k[1] < key[1]), key=lambda k: k[1], default=None)
            if before is not None and self.choices.reentry != "first":
                return (
                    f"begun within attempt {self.number[before]}, of {witness.clock(before[1])}, before that was over"
                )
        if self.choices.reentry == "first":
            return "only the first entry counts (reentry='first')"
        best = others[0]
        rival = self._path(self.place[best])
        ours, theirs = self._last(path), self._last(rival)
        if theirs[0] > ours[0]:
            return f"attempt {self.number[best]} counts instead: it came further, to step {theirs[0] + 1}"
        if theirs[1] < ours[1]:
            return f"attempt {self.number[best]} counts instead: it came as far earlier, at {witness.clock(theirs[1])}"
        return f"attempt {self.number[best]} counts instead: it came as far at the same time, and began later"

    def _last(self, path: Ints) -> tuple[int, int]:
        """Furthest step that an attempt must do, from 0, and its instant."""
        required = [k for k, step in enumerate(self.choices.path) if not step.optional and path[k] != NOT_DONE]
        return required[-1], int(path[required[-1]])

    def _path(self, attempt: int) -> Ints:
        """Instants of an attempt's steps."""
        path = self.tried.path[:, attempt]
        times: Ints = np.where(path >= 0, self.moments.time[path], NOT_DONE)
        return times

    def _matched(self, key: _Key) -> list[tuple[int, int]]:
        """Instant and step of each row that serves one, without order."""
        at = self.tried.path[:, self.place[key]]
        rows = np.flatnonzero(np.isin(self.moments.row, at[at >= 0]))
        serving = match(self.moments.met[:, rows])
        return sorted((int(self.moments.time[self.moments.row[rows[row]]]), step) for row, step in serving.items())


def _part(rows: Rows, places: Ints) -> Rows:
    """Some of the rows; units keep their numbers."""
    return dataclasses.replace(
        rows,
        unit=rows.unit[places],
        time=rows.time[places],
        kind=rows.kind[places],
        groups={name: codes[places] for name, codes in rows.groups.items()},
    )


def _nobody(events: Any, unit: str, value: Any) -> str:
    """Message for a unit that does not exist, with those whose names are nearest."""
    answer = by_user(events, Reading((), _EVER, (unit,), everything=True), _ids)
    names = [str(name) for name in answer.labels(answer.columns["unit"])]
    asked = str(value)
    alike = [name for name in names if name.strip().lower() == asked.strip().lower()]
    if len(names) > _MANY:
        names = [name for name in names if name[:3] == asked[:3] or name[-3:] == asked[-3:]][:_MANY]
    near = list(dict.fromkeys([*alike, *difflib.get_close_matches(asked, names, n=3)]))
    shown = f"The nearest are {near}." if near else f"There are such as {sorted(names)[:3]}."
    return f"{unit}: {value!r} is nobody in the event table. {shown}"


def _ids(rows: Rows) -> Columns:
    return {"unit": rows.ids}
