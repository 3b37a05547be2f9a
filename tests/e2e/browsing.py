"""A browser that notices what a person at the screen would not: errors, refusals, bad contrast."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Response

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "var" / "screenshots"
WIDE, PHONE = (1280, 800), (390, 844)
SIZES = {"1280": WIDE, "390": PHONE}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
GRAVE = ("serious", "critical")

LISTEN = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sourceFile}`);
});
"""
CHECK = """
async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] });
  return found.violations.map((each) => ({
    rule: each.id, impact: each.impact, help: each.help,
    nodes: each.nodes.slice(0, 5).map((node) => node.html.slice(0, 160)),
    number: each.nodes.length,
  }));
}
"""


class Watched:
    """A page and everything wrong that it said: `faults` is what the test asserts on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.add_init_script(LISTEN)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("console", self._listen)
        page.on("response", self._answered)

    def _listen(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self._note(f"console: {line.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.request.method} {response.url} was answered {response.status}")

    def _note(self, words: str) -> None:
        self.faults.append(f"{self.page.url}: {words}")

    def log_in(self, link: str) -> None:
        """Use a one-time login link."""
        self.page.goto(link)

    def show(self, theme: Theme, size: tuple[int, int]) -> None:
        """Another window size, and the theme this person's system asks for."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_timeout(250)  # the fades of a theme take 150 ms

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page in var/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def wider_than_the_window(self) -> list[str]:
        """What makes the page scroll sideways; empty when nothing does."""
        found: list[str] = self.page.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth ? [] :
              [...document.querySelectorAll('body *')]
                .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
                .slice(0, 8).map((each) => each.outerHTML.slice(0, 120))"""
        )
        return found

    def violations(self) -> list[dict[str, Any]]:
        """axe's serious and critical findings on the page as it is shown now."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(CHECK)
        return [each for each in found if each["impact"] in GRAVE]


@contextmanager
def watched(browser: Browser, size: tuple[int, int] = WIDE) -> Iterator[Watched]:
    """A new person at a new window."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="light"
    )
    context.set_default_timeout(20_000)
    try:
        yield Watched(context.new_page())
    finally:
        context.close()
