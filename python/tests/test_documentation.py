"""The Python of the book's page and of the README runs as it stands, block after block."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = ("book/src/python.md", "python/README.md")


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").symlink_to(REPOSITORY / "scenarios")
    names = {}
    for block in blocks(page):
        if "import torch" in block:
            pytest.importorskip("torch")
        exec(compile(block, page, "exec"), names)
    if page == "book/src/python.md":
        assert len(blocks(page)) == 3
        assert names["run"].status == "complete" and (tmp_path / "traces.npz").exists()
    else:
        assert len(blocks(page)) == 2
