"""An experiment as a Python script that makes it again, with the same configuration to the last value.

Only what differs from nbtrain's defaults is written, and the hash at the end says whether it is still the same: neither
a person's defaults nor a project's take part. It knows values and text; it runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pprint import pformat
from typing import Any

from nbtrain.config import Config
from nbtrain.schema import changes

_TEMPLATE = """from nbtrain import {names}

project = Project({path!r})
{data}config = Config().set_all(
    {{
{changes}    }}
)
assert config.hash == {hash!r}, "another version of nbtrain has other defaults"

experiment = project.new({name!r}, config, tags={tags!r})
{description}if __name__ == "__main__":
    experiment.train().wait()
"""
_DATA = """if {name!r} not in [data.name for data in project.datasets()]:
    project.add_images({source}, {name!r})
"""
_MORE = """    project.dataset({name!r}).add({source})
"""


def script(
    config: Config, *, name: str, tags: Sequence[str], description: str, project: str, sources: Sequence[str]
) -> str:
    """Return the script; ``sources`` is the code of each of its data set, none where that is not known."""
    dataset = config.data.dataset
    first = _DATA.format(name=dataset, source=sources[0]) if dataset and sources else ""
    more = [_MORE.format(name=dataset, source=source) for source in sources[1:] if first]
    kinds = [source.partition("(")[0] for source in sources if first]
    return _TEMPLATE.format(
        names=", ".join(sorted({"Config", "Project", *kinds})),
        path=project,
        data="".join([first, *more]),
        changes="".join(_line(path, value) for path, value in changes(Config(), config).items()),
        hash=config.hash,
        name=name,
        tags=list(tags),
        description=f"experiment.description = {description!r}\n" if description else "",
    )


def _line(path: str, value: Any) -> str:
    text = pformat(value, sort_dicts=False, width=100).replace("\n", "\n" + " " * 8)
    return f"{' ' * 8}{path!r}: {text},\n"
