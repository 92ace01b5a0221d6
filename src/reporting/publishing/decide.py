"""Which pages must be built, and why: the others would come out the same."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reporting.publishing.digests import Digests
from reporting.publishing.folder import Folder
from reporting.publishing.inputs import NAMES, UNSEEN, changed, inputs_of, key_of
from reporting.publishing.links import pages_of
from reporting.publishing.plan import Plan
from reporting.publishing.states import Record, States, names_of
from reporting.recipe.file import Recipe

GONE = "its page is gone"
ABSENT = "its notebook is not there"


@dataclass(frozen=True)
class Decision:
    """A planned page, and whether it must be built."""

    plan: Plan
    inputs: dict[str, str]
    key: str
    why: str  # empty if nothing changed
    changed: tuple[str, ...] = ()
    same_as: str = ""  # run whose page it would be again

    @property
    def build(self) -> bool:
        """Whether it must be built."""
        return bool(self.why)


def decide(
    recipe: Recipe, plans: Iterable[Plan], states: States, digests: Digests, *, force: bool = False
) -> list[Decision]:
    """Compare what each page would be made from with what it was made from.

    Parameters
    ----------
    recipe
        What is built.
    plans
        As `plan_reports` returns them.
    states
        How all pages stand.
    digests
        Of files.
    force
        Build what did not change too.
    """
    folder = Folder(recipe.out)
    found: list[Decision] = []
    plans = list(plans)
    pages = pages_of(recipe, states, {plan.name for plan in plans})
    for plan in plans:
        if plan.absent:
            found += _absent(plan, recipe, states)
            continue
        inputs = inputs_of(plan, digests, recipe.lock, pages)
        key = key_of(inputs)
        record = states.pages.get(plan.name, Record())
        same_as = record.keys.get(key, "")
        stands = _stands(folder, plan.name, record, same_as, digests) if same_as else "gone"
        same_as = "" if stands else same_as
        why, parts = _why(plan, record, inputs, same_as)
        if stands and why == GONE:
            why = f"its page is {stands}"
        if force and not why:
            why = "forced"
        found.append(Decision(plan, inputs, key, why, tuple(parts), same_as))
    return found


def _absent(plan: Plan, recipe: Recipe, states: States) -> Iterable[Decision]:
    """Every page that a report had whose notebook is not there: each of them fails."""
    pages = names_of(recipe, plan.report, states) if plan.name == plan.report.name else []
    for name in pages or [plan.name]:
        good = states.pages.get(name, Record()).good
        inputs = (good.inputs if good else dict.fromkeys(NAMES, "")) | {"notebook": ""}
        yield Decision(replace(plan, name=name), inputs, "", ABSENT, ("notebook",))


def _why(plan: Plan, record: Record, inputs: dict[str, str], same_as: str) -> tuple[str, list[str]]:
    if inputs["data"] == UNSEEN:
        return "its data are behind a secret, and may have changed", ["data"]
    if same_as and plan.backfill:
        return "", []  # it is in the history, wherever the present stands
    if record.good is None:
        return ("failed last time" if record.failure else "never built"), []
    parts = changed(record.good.inputs, inputs)
    if parts:
        return f"changed: {', '.join(parts)}", parts
    if record.failure:
        return "failed last time", []
    return ("", []) if same_as else (GONE, [])


def _stands(folder: Folder, name: str, record: Record, run: str, digests: Digests) -> str:
    """What became of a page in its run: empty if it stands as it was built, else what is to say of it."""
    page = folder.runs / run / f"{name}.html"
    if not page.is_file():
        return "gone"
    built = record.good.sha256 if record.good and record.good.run == run else ""
    return "damaged, or was edited" if built and digests.of_file(page) != built else ""
