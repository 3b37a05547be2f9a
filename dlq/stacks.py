"""Frames read from the text of a stack: Python's, Java's, JavaScript's. Pure."""

import re
from dataclasses import dataclass

_PYTHON = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_JAVA = re.compile(
    r"^\s*at (?:[\w.@/-]+/)?(?P<class>[\w.$]+)\.(?P<function>[\w$<>]+)"
    r"\((?P<file>[\w$.-]+\.\w+):(?P<line>\d+)\)$"
)
_JAVASCRIPT = re.compile(
    r"^\s*at (?:async )?(?:(?P<function>[^\s(]+) \()?(?P<file>[^\s()]+):(?P<line>\d+):\d+\)?$"
)
_LIBRARY = re.compile(
    r"(^|/)(site-packages|dist-packages|node_modules|lib(64)?/python[\d.]+|cascade_client)/"
    r"|^<frozen|^node:|^internal/"
)
_JAVA_LIBRARY = re.compile(
    r"^(java|javax|jdk|sun|com\.sun|jakarta|kotlin|scala|org\.springframework|org\.apache"
    r"|io\.netty|io\.smallrye|reactor)\."
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `own` when it is not a library's."""

    file: str
    line: int
    function: str
    own: bool
    code: str = ""  # the source line, where the stack quotes it

    @property
    def place(self) -> str:
        """`payment/capture.py:88`: the last two parts of the path."""
        return f"{short_path(self.file)}:{self.line}"


def short_path(path: str) -> str:
    """The last two parts of a path: what is before them differs from host to host."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def frames(stack: str) -> list[Frame]:
    """The frames in the order of the text; lines that are none are left out."""
    found: list[Frame] = []
    lines = stack.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        frame = _frame(line, following)
        if frame is not None:
            found.append(frame)
    return found


def top_own_frame(stack: str) -> Frame | None:
    """The own frame nearest to the error: Python writes it last, the others first."""
    own = [frame for frame in frames(stack) if frame.own]
    if not own:
        return None
    return own[-1] if _is_python(stack) else own[0]


def _is_python(stack: str) -> bool:
    return any(_PYTHON.match(line) for line in stack.splitlines())


def _frame(line: str, following: str) -> Frame | None:
    if match := _PYTHON.match(line):
        file = match["file"]
        code = "" if _PYTHON.match(following) else following.strip()
        function = match["function"] or ""
        return Frame(file, int(match["line"]), function, not _LIBRARY.search(file), code)
    if match := _JAVA.match(line):
        own = not _JAVA_LIBRARY.match(match["class"])
        name = f"{match['class'].rsplit('.', 1)[-1]}.{match['function']}"
        return Frame(match["file"], int(match["line"]), name, own)
    if match := _JAVASCRIPT.match(line):
        file = match["file"].removeprefix("file://")
        function = match["function"] or ""
        return Frame(file, int(match["line"]), function, not _LIBRARY.search(file))
    return None
