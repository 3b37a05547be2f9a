"""What an operator asked for and may not have, in words that are shown to them."""


class Refused(Exception):
    """Nothing was changed; `title` says what was refused, `detail` why and what helps."""

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.title = title
        self.detail = detail
