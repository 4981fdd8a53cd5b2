from os import PathLike
from typing import Any, Callable

__version__: str

class FpsolveError(Exception):
    message: str
    help: str | None

class ScenarioError(ValueError):
    message: str
    help: str | None

class TooLarge(MemoryError):
    message: str
    help: str | None

class RecordError(Exception):
    run: Any  # set where a run is done and its record could not be written

class Record:
    @staticmethod
    def read(path: str | PathLike[str]) -> Record: ...
    def groups(self, path: str) -> list[str]: ...
    def datasets(self, path: str) -> list[str]: ...
    def attributes(self, path: str) -> dict[str, float | int | str]: ...
    def dataset(self, path: str, name: str) -> tuple[Any, list[str], str, str]: ...
    def number(self, path: str) -> float: ...
    def summary(self) -> str: ...
    def save(self, path: str | PathLike[str], force: bool) -> None: ...

class Finished:
    record: Record
    status: str
    failure: str | None
    verdicts: list[tuple[str, float, float, bool, str]]
    output: str
    interruption: BaseException | None

def run(
    path: str | PathLike[str],
    text: str | None,
    set: list[str],
    data_folders: list[str],
    memory_limit: int | None,
    told: Callable[[int | None, str], None] | None,
) -> Finished: ...
def scenario_schema() -> str: ...
def main(arguments: list[str]) -> int: ...
