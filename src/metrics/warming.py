"""Load what a notebook of this package usually needs, so that a process that others are forked from has it.

Each name is imported when it is first used, which keeps `import metrics` light; here all are.
"""

from collections.abc import Iterator


def warm_up() -> Iterator[None]:
    """Import every public name, ask for one metric and show it as table and figure; yields between the steps."""
    import metrics

    for name in metrics.__all__:
        getattr(metrics, name)
        yield
    events = metrics.event_log("""
        2026-01-01  ann  visit
        2026-01-02  ann  buy
        2026-01-01  bob  visit
    """)
    yield
    funnel = metrics.conversion_funnel(events, ["visit", "buy"], as_of="2026-02-01")
    metrics.headline(funnel)
    yield
    metrics.plot_funnel(funnel)
    yield
    from matplotlib import pyplot as plt

    metrics.show(funnel)
    plt.close("all")
