from typing import Any

OPERATIONS: list[str]
VERSION: str

def call(name: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]: ...
def main(words: list[str]) -> int: ...
