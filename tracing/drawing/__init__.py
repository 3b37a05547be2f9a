"""Pure geometry of a cascade's timeline: attributes of an SVG, in per cent across."""

from tracing.drawing.axis import Axis
from tracing.drawing.timeline import Timeline, draw

__all__ = ["Axis", "Timeline", "draw"]
