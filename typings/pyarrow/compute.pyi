# pyarrow has no types of its own. Without this, pyright calls all that comes from it unknown.
from typing import Any

def __getattr__(name: str) -> Any: ...
